// The explorer: proved laws of one or more models, evaluated at the sizes that a reader chooses.

const COLUMNS = [
  ["flops", "matrix FLOPs"],
  ["vector_flops", "vector FLOPs"],
  ["moved", "bytes moved"],
  ["weight_bytes", "weights"],
  ["kv_cache_bytes", "KV cache"],
  ["peak_activation_bytes", "peak activations"],
];
const MOVED = [
  "weight_bytes_read", "kv_cache_bytes_read", "kv_cache_bytes_written",
  "activation_bytes_read", "activation_bytes_written",
];

function explorerPart(data) {
  const models = data.models.map(compiledModel);
  const state = stateOf(new Map(data.symbols.map((s) => [s.name, BigInt(s.example)])), { ...data.options });
  readAddress(state, data.symbols);
  const controls = [
    ...data.symbols.map((symbol) => sizeControl(symbol, state)),
    optionControl("Attention", "attention", data.attention.map((name) => [name, name]), state),
    optionControl("GPU", "gpu", [["", "none"], ...data.gpus.map((gpu) => [gpu.name, gpu.title])], state),
    optionControl("which computes in", "dtype", data.dtypes.map((name) => [name, name]), state),
  ];
  const parts = [summaryPart(data, models, state), curvePart(data, models, state, controls)];
  parts.push(...models.map((model) => modelPart(model, state)));
  const status = element("p", { class: "status", role: "status" });
  const tools = element(
    "div",
    { class: "tools" },
    button("Copy the address of this view", () => copied(status)),
    button("JSON", () => save("explorer.json", viewText(data, models, state), "application/json"), {
      "aria-label": "Download this view as JSON",
    }),
  );
  const unseen = new Set();
  let waiting;

  // What is in sight is drawn at once, and the rest with the address as soon as the slider rests.
  function draw() {
    const said = [...new Set(models.flatMap((model) => refusals(model, state.sizes)))].join("; ");
    say(status, said);
    parts.filter((part) => !unseen.has(part)).forEach((part) => part.draw());
    clearTimeout(waiting);
    waiting = setTimeout(rest, 150);
  }

  function rest() {
    unseen.forEach((part) => part.draw());
    parts.forEach((part) => part.rest?.());
    history.replaceState(null, "", addressOf(state));
  }

  for (const part of parts) {
    part.node.addEventListener("contentvisibilityautostatechange", ({ skipped }) => {
      if (skipped) unseen.add(part);
      else if (unseen.delete(part)) part.draw();
    });
  }
  addEventListener("beforeprint", () => parts.forEach((part) => part.draw()));

  // A slider tells of more changes than a screen can show: one drawing a frame.
  let asked = false;
  state.listeners.push(() => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  });
  addEventListener("hashchange", () => {
    if (!location.hash.includes("=") || location.hash === addressOf(state)) return;
    readAddress(state, data.symbols);
    controls.forEach((each) => each.show());
    draw();
  });
  requestAnimationFrame(draw);
  const form = element("form", { class: "block controls", "aria-label": "Sizes and options" });
  form.addEventListener("submit", (event) => event.preventDefault());
  const nodes = controls.map(({ node }) => node);
  const sizes = nodes.slice(0, data.symbols.length);
  const own = nodes.slice(data.symbols.length, data.symbols.length + 3);
  form.append(element("h2", {}, "Sizes"), ...sizes, element("h2", {}, "Options"), ...own, tools, status);
  return element("div", { class: "explorer" }, form, element("div", { class: "results" }, parts.map(({ node }) => node)));
}

function copied(status) {
  history.replaceState(null, "", location.hash);
  navigator.clipboard?.writeText(location.href).then(
    () => (status.textContent = "copied"),
    () => (status.textContent = "the address bar has it"),
  );
}

function refusals(model, sizes) {
  return model.stages.map((stage) => refusal(model, stage, sizes)).filter(Boolean).map((why) => `${model.label}: ${why}`);
}

// What a stage costs, by quantity: exact integers, or null where there is no law or no number.
function costs(model, stage, mode, sizes) {
  if (refusal(model, stage, sizes)) return {};
  const value = (quantity) => valueOf(stage, quantity, mode, sizes);
  const found = Object.fromEntries(COLUMNS.map(([name]) => [name, name === "moved" ? null : value(name)]));
  const parts = MOVED.map(value).filter((each) => each !== null);
  found.moved = value("bytes_moved");
  found.least = found.moved === null && parts.length > 0;
  if (found.least) found.moved = parts.reduce((a, b) => a + b);
  return found;
}

function modeOf(model, state) {
  const { attention } = state.options;
  return model.attention.includes(attention) ? attention : model.attention[0];
}

// The least time that the peaks of a GPU allow, what binds, and whether all is held in its memory.
function onGpu(gpu, dtype, { flops, moved, weight_bytes, kv_cache_bytes, peak_activation_bytes }) {
  const peak = gpu?.peaks[dtype];
  if (!gpu || flops === null || flops === undefined) return ["", "", ""];
  const compute = peak ? Number(flops) / peak : NaN;
  const memory = moved === null ? 0 : Number(moved) / gpu.bandwidth;
  const held = (weight_bytes ?? 0n) + (kv_cache_bytes ?? 0n) + (peak_activation_bytes ?? 0n);
  const fits = gpu.memory === null ? "" : `${percent(Number(held) / gpu.memory)} of ${si(gpu.memory, "B")}`;
  if (!peak) return [`no ${dtype}`, "", fits];
  return [time(Math.max(compute, memory)), compute >= memory ? "compute" : "memory", fits];
}

function time(seconds) {
  if (seconds < 1e-3) return `${Number((seconds * 1e6).toPrecision(4))} \u00b5s`;
  return seconds < 1 ? `${Number((seconds * 1e3).toPrecision(4))} ms` : `${Number(seconds.toPrecision(4))} s`;
}

function summaryPart(data, models, state) {
  const body = element("tbody");
  const rows = models.flatMap((model) => model.stages.map((stage) => summaryRow(model, stage)));
  body.append(...rows.map(({ node }) => node));
  const names = ["model", "stage", ...COLUMNS.map(([, title]) => title), "time at least", "bound by", "memory held"];
  const headers = names.map((name, i) => element("th", { scope: "col", class: `plain${i > 1 ? " number" : ""}${i > names.length - 4 ? " gpu" : ""}` }, name));
  const table = element(
    "table",
    {},
    element("caption", {}, "At these sizes"),
    element("thead", {}, element("tr", {}, headers)),
    body,
  );
  const about = element("p", { class: "note" }, "Integers are exact, by the laws. The time is a roofline: FLOPs over the peak, or bytes of the laws over the bandwidth, whichever is longer; \u2265 marks bytes without those of routed experts.");

  function draw() {
    const gpu = data.gpus.find(({ name }) => name === state.options.gpu);
    table.classList.toggle("with-gpu", Boolean(gpu));
    rows.forEach((row) => row.draw(state, gpu));
  }

  return { draw, node: element("div", { class: "block" }, scrolling("At these sizes", table), about) };
}

function summaryRow(model, stage) {
  const cells = COLUMNS.map(() => element("td", { class: "number" }));
  const last = [0, 1, 2].map(() => element("td", { class: "number gpu" }));
  const title = element("td", { class: "one-line", title: stage.verdict }, stage.title);
  const node = element("tr", {}, element("th", { scope: "row" }, breakable(model.label)), title, cells, last);
  const units = COLUMNS.map(([name]) => (name.endsWith("flops") ? "FLOP" : "B"));

  function draw(state, gpu) {
    const found = costs(model, stage, modeOf(model, state), state.sizes);
    COLUMNS.forEach(([name], i) => setNumber(cells[i], found[name] ?? null, units[i], name === "moved" && found.least));
    onGpu(gpu, state.options.dtype, found).forEach((text, i) => say(last[i], text));
  }

  return { draw, node };
}

// Show a number in a cell; elements are made once.
function setNumber(cell, value, unit, least = false) {
  if (value === null) {
    cell.removeAttribute("title");
    return cell.replaceChildren();
  }
  if (!cell.firstChild) {
    cell.append(element("span", { class: "short" }, ""), element("span", { class: "exact" }, ""));
  }
  const mark = least ? "\u2265 " : "";
  const whole = mark + exact(value, unit);
  if (cell.title === whole) return undefined;
  cell.title = whole;
  cell.firstChild.firstChild.data = mark + aligned(value, unit);
  cell.lastChild.firstChild.data = whole;
  return undefined;
}

// The components of one model in the chosen stage: the icicle, and a table with the law of each.
function modelPart(model, state) {
  const host = element("div", { class: "icicle" });
  const detail = element("div", { class: "detail" });
  const title = element("h3");
  const body = element("tbody");
  const names = ["component", "FLOPs", "share", "law"];
  const headers = names.map((name) => element("th", { scope: "col", class: ["FLOPs", "share"].includes(name) ? "number plain" : "plain" }, name));
  const caption = `Laws of the components of ${model.label}`;
  const table = element("table", {}, element("caption", {}, caption), element("thead", {}, element("tr", {}, headers)), body);
  const node = element(
    "div",
    { class: "block" },
    element("div", { class: "tools" }, title, pictureButtons(`${model.label} by component`, () => host.firstChild)),
    host,
    detail,
    element("details", { open: true }, element("summary", {}, "The law of each component"), scrolling(caption, table)),
  );
  let of = null;
  let view = null;
  let rows = [];
  const width = widthOf(host, () => view?.draw());

  function draw() {
    const stage = model.stages.find(({ name }) => name === state.options.stage) ?? model.stages[0];
    const mode = modeOf(model, state);
    const laws = stage.laws.filter((law) => law.quantity === "flops" && law.attention === mode && law.component !== null);
    const whole = lawOf(stage, "flops", mode);
    const why = refusal(model, stage, state.sizes);
    node.hidden = !whole;
    if (!whole) return;
    const found = [whole, ...laws].map((law) => (why ? null : law.at(state.sizes)));
    const values = found.includes(null) ? null : found;
    const known = values ? (mode === model.attention[0] ? stage.verdict : "closed forms") : "no whole numbers";
    say(title, `${model.label}, ${stage.title}, ${mode}: ${why ?? known}`);
    host.hidden = detail.hidden = !values;
    if (of !== whole) rows = [whole, ...laws].map(lawRow);
    if (of !== whole) body.replaceChildren(...rows.map((row) => row.node));
    rows.forEach((row, i) => row.draw(found[i], found[0] ?? 0n));
    if (values) {
      const nodes = linked(componentNodes(model.label, whole, laws, values), false);
      if (of !== whole) view = icicle(host, detail, width, `${model.label} by component`, nodes);
      view.replace(nodes);
    }
    of = values ? whole : null;
  }

  return { draw, node };
}

function lawRow(law) {
  const number = element("td", { class: "number" });
  const bar = element("span", { class: "bar", "aria-hidden": "true" });
  const words = element("span");
  const share = element("td", { class: "number share" }, bar, words);
  const name = element("th", { scope: "row" }, breakable(law.component ?? "whole stage"));
  const node = element("tr", {}, name, number, share, element("td", { class: "law" }, element("code", {}, law.text)));

  function draw(value, total) {
    setNumber(number, value, "FLOP");
    const part = value === null || !total ? 0 : Number(value) / Number(total);
    bar.style.width = `${4 * part}em`;
    say(words, value === null ? "" : percent(part));
  }

  return { draw, node };
}

// The tree of components, by the names in their paths.
function componentNodes(label, whole, laws, values) {
  const nodes = [{ name: label, value: values[0].toString(), unit: "FLOP", note: whole.text, parent: -1 }];
  const known = new Map([["", 0]]);
  laws.forEach((law, i) => {
    const path = law.component.split("/");
    path.forEach((name, depth) => {
      const key = path.slice(0, depth + 1).join("/");
      if (!known.has(key)) {
        known.set(key, nodes.length);
        nodes.push({ name, value: 0n, unit: "FLOP", note: null, parent: known.get(path.slice(0, depth).join("/")) });
      }
      nodes[known.get(key)].value += values[i + 1];
      if (depth === path.length - 1) nodes[known.get(key)].note = law.text;
    });
  });
  return nodes.map((each) => ({ ...each, value: each.value.toString() }));
}

// The view as JSON: sizes, options and the exact integers of each model's stages.
function viewText(data, models, state) {
  const found = {
    sizes: Object.fromEntries(state.sizes),
    options: state.options,
    models: models.map((model) => ({
      name: model.name,
      attention: modeOf(model, state),
      stages: Object.fromEntries(model.stages.map((stage) => [stage.name, stageValues(model, stage, state)])),
    })),
  };
  const whole = (key, value) => {
    if (typeof value !== "bigint") return value;
    return JSON.rawJSON ? JSON.rawJSON(value.toString()) : value.toString();
  };
  return JSON.stringify(found, whole, 1);
}

function stageValues(model, stage, state) {
  const why = refusal(model, stage, state.sizes);
  if (why) return { refused: why };
  const laws = stage.laws.filter((law) => law.attention === modeOf(model, state));
  return Object.fromEntries(laws.map((law) => [[law.quantity, law.component].filter(Boolean).join(" "), law.at(state.sizes)]));
}
