// The page: its head, its sections, and settings for all of it.

const BLOCKS = { table: tableBlock, trees: treesBlock, chart: chartBlock, lines: linesBlock };

function linesBlock({ title, lines, monospace, closed }) {
  const body = monospace
    ? scrolling(title, element("pre", {}, lines.join("\n")))
    : element("ul", {}, lines.map((line) => element("li", {}, line)));
  if (closed) return element("details", { class: "block" }, element("summary", {}, title), body);
  return element("div", { class: "block" }, element("h3", {}, title), body);
}

function head({ title, verdict, about, json }) {
  return element(
    "header",
    {},
    element("h1", {}, title),
    verdict ? element("p", { class: `verdict ${verdict.tone}` }, verdict.text) : null,
    about.map((line) => element("p", { class: "about" }, line)),
    element(
      "div",
      { class: "tools" },
      check("exact integers", false, (on) => document.body.classList.toggle("all-digits", on)),
      themes(),
      json ? button("Download JSON", () => save(fileName(title, "json"), json, "application/json")) : null,
    ),
  );
}

function themes() {
  return choice("Theme", ["as the system", "light", "dark"], (index) => {
    document.documentElement.dataset.theme = ["", "light", "dark"][index];
  });
}

function contents(sections) {
  const links = sections.map(({ title, id }) => element("li", {}, element("a", { href: `#${id}` }, title)));
  return element("nav", { "aria-label": "Contents" }, element("ul", {}, links));
}

function sectionPart({ title, id, blocks }) {
  return element(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title),
    blocks.map((block) => BLOCKS[block.kind](block)),
  );
}

function show(data) {
  const page = document.getElementById("page");
  const sections = data.sections.map((section) => ({ ...section, id: fresh("part") }));
  page.replaceChildren(
    head(data),
    ...(sections.length > 2 && !data.explorer ? [contents(sections)] : []),
    ...(data.explorer ? [explorerPart(data.explorer)] : []),
    ...sections.map(sectionPart),
    element("footer", {}, "Made by flopbench. Prefixes are decimal; 1 multiply-accumulate is 2 FLOPs."),
  );
}

// On paper nothing can be opened: what is closed is printed, and closed again.
function printedInFull() {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.block:not([open])")];
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
  });
}

printedInFull();
show(JSON.parse(document.getElementById("data").textContent));
