// The series of a chart: a colour, a dash and a mark each, and buttons that show or hide them.

const DASHES = ["", "7 3", "2 3", "8 3 2 3", "12 3", "8 3 2 3 2 3", "1 2", "4 4"];
const MARKS = ["circle", "square", "triangle", "diamond", "times", "star", "wye", "cross"];

function look(index) {
  const i = index % 8;
  return { colour: `var(--series-${i})`, dash: DASHES[i], mark: MARKS[i] };
}

// `hidden` is the set of names that are not shown; `change` is called after a change of it.
function legend(names, hidden, change) {
  return element(
    "div",
    { class: "legend", role: "group", "aria-label": "Series" },
    names.map((name, i) => {
      const toggle = button(name, () => {
        if (!hidden.delete(name)) hidden.add(name);
        toggle.setAttribute("aria-pressed", !hidden.has(name));
        change();
      });
      toggle.setAttribute("aria-pressed", !hidden.has(name));
      toggle.prepend(swatch(look(i)));
      return toggle;
    }),
  );
}

function swatch({ colour, dash }) {
  return shape(
    "svg",
    { width: 26, height: 10, "aria-hidden": "true" },
    shape("line", { x1: 0, x2: 26, y1: 5, y2: 5, stroke: colour, "stroke-width": 3, "stroke-dasharray": dash }),
  );
}
