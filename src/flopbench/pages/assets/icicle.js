// A tree as an icicle: a bar per part, below the bar of the part that it belongs to.
//
// A click, or Enter, shows a part in full width; the parts above it lead back. Arrow keys move
// between parts. What is said of the part in focus is below the picture, as text.

const ROW = 30;
const LETTER = 7.2;

function treesBlock(block) {
  const labels = Object.keys(block.trees);
  const host = element("div", { class: "icicle" });
  const detail = element("div", { class: "detail", "aria-live": "polite" });
  let view;
  const show = (index) => {
    view = icicle(host, detail, width, block.title, linked(block.trees[labels[index]]));
    view.draw();
  };
  const width = widthOf(host, () => view.draw());
  const tools = element(
    "div",
    { class: "tools" },
    labels.length > 1 ? choice("Show", labels, show) : null,
    pictureButtons(block.title, () => host.firstChild),
  );
  show(0);
  return element(
    "div",
    { class: "block" },
    element("h3", {}, block.title),
    tools,
    host,
    detail,
    block.note ? element("p", { class: "note" }, block.note) : null,
  );
}

// The nodes of a tree with links to parent and children, and what each one's bar stands for.
function linked(nodes, sorted = true) {
  const found = nodes.map((node, id) => ({ ...node, id, children: [], level: 0 }));
  for (const node of found) {
    node.up = found[node.parent] ?? null;
    if (node.up) {
      node.up.children.push(node);
      node.level = node.up.level + 1;
    }
    node.size = node.value === null ? null : Number(node.value);
  }
  for (const node of [...found].reverse()) {
    const below = node.children.reduce((sum, child) => sum + child.size, 0);
    node.size = Math.max(node.size ?? 0, below);
    if (sorted) node.children.sort((a, b) => b.size - a.size);
    node.colour = 0;
  }
  // Parts below the first level that has several share a colour.
  let top = found[0];
  while (top.children.length === 1) [top] = top.children;
  top.children.forEach((child, i) => tint(child, (i % 8) + 1));
  return found;
}

function tint(node, colour) {
  node.colour = colour;
  for (const child of node.children) tint(child, colour);
}

function icicle(host, detail, widthNow, title, nodes) {
  let shown = nodes[0];
  let focus = nodes[0];
  let cells = [];
  let parts = [];
  let drawn = "";

  function draw() {
    const width = widthNow();
    if (!width) return;
    cells = placed(shown, width);
    if (!cells.some((cell) => cell.node === focus)) focus = shown;
    const wanted = [width, shown.id, ...cells.map(({ node }) => node.id)].join();
    if (wanted !== drawn) renew(width);
    drawn = wanted;
    cells.forEach((cell, i) => parts[i](cell));
    describe();
  }

  // Make the picture anew, for other bars than it has.
  function renew(width) {
    const height = ROW * (1 + Math.max(...cells.map((cell) => cell.level)));
    const made = cells.map(part);
    parts = made.map(({ update }) => update);
    const svg = shape(
      "svg",
      { role: "group", "aria-label": `${title}: parts`, width, height, viewBox: `0 0 ${width} ${height}` },
      made.map(({ group }) => group),
    );
    svg.addEventListener("keydown", keyed);
    host.replaceChildren(svg);
  }

  // A bar, and what moves it and changes its numbers.
  function part({ node: { id, colour }, level }) {
    const bar = shape("rect", { y: level * ROW + 0.5, height: ROW - 2, rx: 2 });
    const text = shape("text", { y: level * ROW + 19 }, "");
    const above = level < shown.level ? " above" : "";
    const on = { click: () => zoom(nodes[id]), focus: () => focused(nodes[id]), mouseenter: () => describe(nodes[id]) };
    const group = shape("g", { role: "button", "data-id": id, class: `part tint${colour}${above}`, on }, bar, text);
    let place = null;

    function update({ node, x, w }) {
      if (place !== `${x} ${w}`) {
        fill(bar, { x: x + 0.5, width: Math.max(w - 1, 0.5) }, []);
        fill(text, { x: x + 6 }, []);
        place = `${x} ${w}`;
      }
      say(text, shortName(node, Math.floor((w - 12) / LETTER)));
      fill(group, { tabindex: node === focus ? 0 : -1, "aria-label": spoken(node) }, []);
    }

    return { group, update };
  }

  function zoom(node) {
    shown = node === shown && node.up ? node.up : node;
    focus = node;
    draw();
    host.querySelector(`[data-id="${node.id}"]`)?.focus();
  }

  function focused(node) {
    focus = node;
    for (const each of host.querySelectorAll("[data-id]")) {
      each.setAttribute("tabindex", Number(each.dataset.id) === node.id ? 0 : -1);
    }
    describe();
  }

  function keyed(event) {
    const row = cells.filter((cell) => cell.node.level === focus.level);
    const at = row.findIndex((cell) => cell.node === focus);
    const next = {
      ArrowUp: () => focus.up,
      ArrowDown: () => cells.find((cell) => cell.node.up === focus)?.node,
      ArrowLeft: () => row[at - 1]?.node,
      ArrowRight: () => row[at + 1]?.node,
      Home: () => nodes[0],
    }[event.key];
    if (next) {
      const node = next();
      if (node) host.querySelector(`[data-id="${node.id}"]`)?.focus();
    } else if (event.key === "Enter" || event.key === " ") zoom(focus);
    else if (event.key === "Escape" && shown.up) zoom(shown.up);
    else return;
    event.preventDefault();
  }

  function describe(node = focus) {
    const facts = [element("strong", {}, names(node).join(" / "))];
    if (node.value !== null) {
      facts.push(element("span", {}, si(node.value, node.unit)));
      facts.push(element("span", {}, exact(node.value, node.unit)));
    }
    for (const share of shares(node)) facts.push(element("span", {}, share));
    detail.replaceChildren(
      element("p", {}, facts),
      ...(node.note ?? "").split("\n").filter(Boolean).map((line) => element("code", {}, line)),
    );
  }

  // Show other numbers of the same parts.
  function replace(others) {
    [shown, focus] = [others[shown.id] ?? others[0], others[focus.id] ?? others[0]];
    nodes = others;
    const inside = host.contains(document.activeElement);
    draw();
    if (inside && !host.contains(document.activeElement)) host.querySelector(`[data-id="${focus.id}"]`)?.focus();
  }

  return { draw, replace };
}

// Where the bars are: the parts above in full width, then the part shown and all below it.
function placed(shown, width) {
  const cells = [];
  for (let node = shown.up; node; node = node.up) cells.unshift({ node, x: 0, w: width, level: node.level });
  const open = [{ node: shown, x: 0, w: width, level: shown.level }];
  for (let cell = open.shift(); cell; cell = open.shift()) {
    cells.push(cell);
    let { x } = cell;
    for (const child of cell.node.children) {
      const w = cell.node.size ? (cell.w * child.size) / cell.node.size : 0;
      if (w >= 1) open.push({ node: child, x, w, level: child.level });
      x += w;
    }
  }
  return cells;
}

function shortName(node, letters) {
  const full = node.value === null ? node.name : `${node.name}  ${si(node.value, node.unit)}`;
  if (full.length <= letters) return full;
  if (node.name.length <= letters) return node.name;
  return letters < 3 ? "" : `${node.name.slice(0, letters - 1)}\u2026`;
}

function names(node) {
  return node.up ? [...names(node.up), node.name] : [node.name];
}

function shares(node) {
  const found = [];
  if (node.value === null) return found;
  let root = node;
  while (root.up && root.up.value !== null) root = root.up;
  if (node.up && root !== node && root.size) found.push(`${percent(node.size / root.size)} of ${root.name}`);
  if (node.up && node.up !== root && node.up.value !== null && node.up.size) {
    found.push(`${percent(node.size / node.up.size)} of ${node.up.name}`);
  }
  return found;
}

function spoken(node) {
  const parts = [names(node).join(" / ")];
  if (node.value !== null) parts.push(si(node.value, node.unit), ...shares(node));
  return parts.join(", ");
}
