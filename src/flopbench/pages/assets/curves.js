// The curves of the explorer: a quantity of a stage over one size, of all models and modes.

const POINTS = 25;

function curvePart(data, models, state, controls) {
  const host = element("div", { class: "chart" });
  const key = element("div");
  const values = element("div");
  const details = element("details", {}, element("summary", {}, "The numbers of this chart"), values);
  const stages = new Map(models.flatMap((model) => model.stages.map((stage) => [stage.name, stage.title])));
  const options = [
    optionControl("Show", "show", data.quantities.map(({ name, meaning }) => [name, meaning]), state),
    optionControl("Stage", "stage", [...stages], state),
    optionControl("Over", "over", data.symbols.map(({ name, meaning }) => [name, `${name}: ${meaning}`]), state),
    optionControl("Axes", "axes", [["log", "logarithmic"], ["linear", "linear"]], state),
  ];
  controls.push(...options, { show: () => key.removeAttribute("data-names") });
  const width = widthOf(host, () => block && draw());
  let known = "";
  let frame = "";
  let stale = false;
  let block = null;

  function draw() {
    const { over, ...others } = state.options;
    const rest = [...state.sizes].filter(([name]) => name !== over);
    const now = JSON.stringify([over, others, rest.map(String), [...state.hidden], width(), reach()]);
    if (now === known) return moveRule();
    block = curvesOf();
    known = now;
    return plotNow();
  }

  // The curves are as they were: only the line at the chosen size moves.
  function moveRule() {
    const svg = host.firstChild;
    const line = svg?.querySelector("[data-mark=rule] line");
    const x = svg?.scale("x").apply(Number(state.sizes.get(state.options.over)));
    if (line) fill(line, { x1: x, x2: x }, []);
  }

  // How far the curves go: to the end of the slider, or further if the size is.
  function reach() {
    const { most, minimum } = data.symbols.find(({ name }) => name === state.options.over);
    return [Math.max(minimum, 1), Math.max(most, Number(state.sizes.get(state.options.over)))];
  }

  function curvesOf() {
    const { show, stage, over, axes } = state.options;
    const [low, high] = reach();
    const spread = [...Array(POINTS).keys()].map((i) => i / (POINTS - 1));
    const place = axes === "log" ? (t) => low * (high / low) ** t : (t) => low + (high - low) * t;
    const points = [...new Set(spread.map((t) => Math.round(place(t))))];
    const series = models.flatMap((model) => {
      const found = model.stages.find(({ name }) => name === stage);
      return found ? model.attention.map((mode) => curveOf(model, found, mode, points)) : [];
    });
    const unit = data.quantities.find(({ name }) => name === show).unit;
    const shown = series.filter(({ values: list }) => list.some((value) => value !== null));
    return {
      title: `${data.quantities.find(({ name }) => name === show).meaning}, ${stages.get(stage)}`,
      x: data.symbols.find(({ name }) => name === over).meaning,
      points,
      labels: points.map((point) => `${over} = ${exact(BigInt(point))}`),
      numeric: true,
      measure: { name: show, unit, stacked: false, series: shown },
    };
  }

  function curveOf(model, stage, mode, points) {
    const { show, over } = state.options;
    const sizes = new Map(state.sizes);
    const list = points.map((point) => {
      sizes.set(over, BigInt(point));
      return refusal(model, stage, sizes) ? null : valueOf(stage, show, mode, sizes);
    });
    return { name: `${model.label}, ${mode}`, values: list };
  }

  function plotNow() {
    if (!width()) return;
    const log = state.options.axes === "log";
    const names = block.measure.series.map(({ name }) => name);
    if (key.dataset.names !== JSON.stringify(names)) {
      key.dataset.names = JSON.stringify(names);
      key.replaceChildren(legend(names, state.hidden, () => state.tell()));
    }
    const { measure, title, x } = block;
    const look = { measure, logX: log, logY: log, hidden: state.hidden };
    const points = pointsOf(block, look);
    const range = rangeOf(points, log);
    const curves = [...new Set(points.map(({ i }) => i))];
    const wanted = JSON.stringify([title, x, block.points, names, curves, range, width()]);
    if (wanted === frame && !host.matches(":hover")) {
      stale = true;
      moveCurves(host.firstChild, points);
      moveRule();
    } else {
      frame = wanted;
      stale = false;
      const at = Number(state.sizes.get(state.options.over));
      host.replaceChildren(plotted({ ...block, at, range }, look, width()));
    }
    if (details.open) values.replaceChildren(valueTable(block, measure));
  }

  // Where curves were moved, what a pointer is told is of where they were: a new picture tells anew.
  function rest() {
    if (stale) frame = "";
    if (stale) plotNow();
  }

  details.addEventListener("toggle", () => (details.open ? draw() : values.replaceChildren()));
  const tools = element("div", { class: "tools" }, options.map(({ node }) => node), pictureButtons("Curves", () => host.querySelector("svg")));
  return { draw, rest, node: element("div", { class: "block" }, element("h3", {}, "Curves"), tools, key, host, details) };
}
