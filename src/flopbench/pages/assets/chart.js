// Charts: curves over numbers, bars over names, and parts of a whole; drawn by Observable Plot.

const MOST_AT_FIRST = 12;
const MOST_BARS = 25;

function chartBlock(block) {
  const host = element("div", { class: "chart" });
  const key = element("div");
  const data = element("div");
  const state = { measure: block.measures[0], logX: block.log_x, logY: block.log_y, hidden: new Set() };
  const widthNow = widthOf(host, () => draw());

  function draw() {
    const width = widthNow();
    if (width) host.replaceChildren(plotted(block, state, width));
  }

  function chosen(index) {
    state.measure = block.measures[index];
    const names = state.measure.series.map((series) => series.name);
    state.hidden = new Set(names.slice(MOST_AT_FIRST));
    key.replaceChildren(...(names.length > 1 ? [legend(names, state.hidden, draw)] : []));
    data.replaceChildren(valueTable(block, state.measure));
    draw();
  }

  const tools = element(
    "div",
    { class: "tools" },
    block.measures.length > 1 ? choice("Show", block.measures.map((m) => m.name), chosen) : null,
    block.numeric ? check("logarithmic x", state.logX, (on) => draw((state.logX = on))) : null,
    check(block.numeric ? "logarithmic y" : "logarithmic", state.logY, (on) => draw((state.logY = on))),
    pictureButtons(block.title, () => host.querySelector("svg:last-of-type")),
  );
  chosen(0);
  return element(
    "div",
    { class: "block" },
    element("h3", {}, block.title),
    tools,
    key,
    scrolling(`${block.title}, a chart`, host),
    element("details", {}, element("summary", {}, "The numbers of this chart"), data),
  );
}

// The table of what a chart shows, for those who cannot see it or want to copy it.
function valueTable(block, { name, unit, series }) {
  const columns = [{ name: block.x, kind: "text", unit: "" }];
  columns.push(...series.map((each) => ({ name: each.name, kind: "number", unit })));
  const rows = block.labels.map((label, i) => [label, ...series.map((each) => each.values[i])]);
  return tableBlock({ title: `${block.title}: ${name}`, columns, rows, note: null });
}

// The points that a chart shows: none of hidden series, and none that its axes have no place for.
function pointsOf(block, { measure, logY, hidden }) {
  const points = [];
  measure.series.forEach((series, i) => {
    if (hidden.has(series.name)) return;
    series.values.forEach((value, at) => {
      const y = value === null ? null : Number(value);
      if (logY && !(y > 0)) return;
      if (y === null && !block.numeric) return;
      points.push({ x: block.points[at], y, i, name: series.name, at, value });
    });
  });
  return points;
}

function plotted(block, state, width) {
  const { measure } = state;
  const points = pointsOf(block, state);
  for (const point of points) point.said = saidOf(point, block, measure);
  const svg = (block.numeric ? curves : bars)(block, state, points, width);
  return spokenOnce(svg, `${block.title}: ${measure.name}. The numbers are in a table below.`);
}

function saidOf({ name, at, value }, { labels }, { unit }) {
  const number = value === null ? "" : `${si(value, unit)}\n${exact(value, unit)}`;
  return `${name}\n${labels[at]}\n${number}`;
}

// A picture is one image to a screen reader; Plot labels its parts, which say nothing by themselves.
function spokenOnce(svg, label) {
  for (const part of svg.querySelectorAll("[aria-label]")) {
    part.dataset.mark = part.getAttribute("aria-label");
    part.removeAttribute("aria-label");
  }
  return fill(svg, { role: "img", "aria-label": label }, []);
}

function axisOf({ unit }) {
  return { label: unit, tickFormat: (value) => si(value, ""), grid: true };
}

function curves(block, state, points, width) {
  const { measure, logX, logY } = state;
  const marks = [];
  measure.series.forEach((series, i) => {
    const own = points.filter((point) => point.i === i).sort((a, b) => a.x - b.x);
    if (!own.length) return;
    const { colour, dash, mark } = look(i);
    if (measure.stacked) return;
    marks.push(Plot.line(own, { x: "x", y: "y", stroke: colour, strokeWidth: 2, strokeDasharray: dash }));
    if (own.length <= 40 && block.at === undefined) {
      marks.push(Plot.dot(own, { x: "x", y: "y", stroke: colour, fill: "var(--paper)", r: 3.5, symbol: mark }));
    }
  });
  if (measure.stacked) {
    marks.push(Plot.areaY(points, { x: "x", y: "y", z: "i", fill: (p) => look(p.i).colour, fillOpacity: 0.75 }));
  }
  if (block.at !== undefined) marks.push(Plot.ruleX([block.at], { stroke: "var(--ink)", strokeDasharray: "4 3" }));
  marks.push(Plot.axisX({ label: block.x, labelOffset: 40, ...ticksOf(block, logX, width) }));
  marks.push(Plot.tip(points, Plot.pointer({ ...tipped, x: "x", y: "y" })));
  return Plot.plot({
    width,
    height: Math.min(420, Math.max(260, width / 2)),
    marginLeft: 64,
    marginRight: 28,
    marginBottom: 44,
    x: { type: logX ? "log" : "linear", axis: null },
    y: { type: logY ? "log" : "linear", ...axisOf(measure), domain: block.range, zero: !logY, nice: !logY, ticks: 6 },
    marks,
  });
}

// Round ends of an axis, which stay as they are while points move a little.
function rangeOf(points, log) {
  const [low, high] = d3.extent(points, ({ y }) => y);
  if (low === undefined) return undefined;
  if (!log) return d3.scaleLinear([0, high || 1], [0, 1]).nice(6).domain();
  return d3.scaleLog([low, low === high ? 2 * high : high], [0, 1]).nice().domain();
}

// Move the curves of a picture to where the points are now: its axes are right for them.
function moveCurves(svg, points) {
  const [x, y] = ["x", "y"].map((name) => svg.scale(name).apply);
  const line = d3.line((point) => x(point.x), (point) => y(point.y)).defined((point) => point.y !== null);
  const paths = svg.querySelectorAll("[data-mark=line] path");
  [...d3.group(points, ({ i }) => i).values()].forEach((own, n) => paths[n].setAttribute("d", line(own)));
}

// The points themselves where a logarithmic axis has room for them.
function ticksOf(block, logX, width) {
  const points = [...new Set(block.points)];
  const fit = width / 90;
  if (logX && points.length <= fit) return { ticks: points, text: (value) => exact(value) };
  return { ticks: Math.min(10, fit), tickFormat: (value) => (value < 1e4 ? exact(value) : si(value, "")) };
}

const tipped = { title: "said", fontSize: 12, fill: "var(--card)", stroke: "var(--line)" };

// Bars lie, so that long names have room: a row per name, in it a bar per series.
function bars(block, state, points, width) {
  const { measure, logY } = state;
  const rows = [...new Set(points.map((point) => point.x))];
  const shown = new Set(points.map((point) => point.i)).size || 1;
  const many = rows.length > MOST_BARS;
  const each = measure.stacked ? 22 : many ? 5 + 9 * shown : 9 + 13 * shown;
  const longest = Math.max(0, ...rows.map((name) => name.length));
  const left = Math.min(width * 0.4, 12 + longest * 6.6);
  const letters = Math.floor((left - 12) / 6.6);
  const short = (name) => (name.length > letters ? `${name.slice(0, letters - 1)}\u2026` : name);
  const from = logY ? Math.min(...points.map((point) => point.y)) / 2 : 0;
  const colour = (point) => look(point.i).colour;
  const place = measure.stacked ? { y: "x", x: "y" } : { fy: "x", y: "i", x1: from, x2: "y" };
  const names = { domain: rows, label: null, tickFormat: short };
  return Plot.plot({
    width,
    height: 74 + each * rows.length,
    marginLeft: left,
    marginRight: 30,
    marginTop: 44,
    x: { type: logY ? "log" : "linear", ...axisOf(measure), axis: "top", labelOffset: 40, ticks: Math.min(8, width / 110) },
    ...(measure.stacked ? { y: names } : { y: { axis: null }, fy: { ...names, padding: 0.15 } }),
    marks: [
      Plot.barX(points, { ...place, fill: colour, insetTop: 0.5, insetBottom: 0.5 }),
      Plot.tip(points, Plot.pointerY({ ...tipped, ...place, x: "y", x1: undefined, x2: undefined })),
    ],
  });
}
