// Elements. All text is set as text, never as markup: names are anybody's.

const SVG = "http://www.w3.org/2000/svg";
let used = 0;

// An identifier that no other element has.
function fresh(stem) {
  used += 1;
  return `${stem}-${used}`;
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, value);
    }
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// A text that may break after a slash or an underscore, as paths of components do.
function breakable(text) {
  return text.split(/(?<=[/_])/).flatMap((part) => [part, element("wbr")]);
}

// A labelled choice; `change` gets the index chosen.
function choice(label, names, change) {
  const id = fresh("choice");
  const select = element(
    "select",
    { id, on: { change: () => change(select.selectedIndex) } },
    names.map((name) => element("option", {}, name)),
  );
  return element("span", { class: "choice" }, element("label", { for: id }, label), select);
}

// A labelled box; `change` gets whether it is checked.
function check(label, checked, change) {
  const box = element("input", { type: "checkbox", on: { change: () => change(box.checked) } });
  box.checked = checked;
  return element("label", { class: "check" }, box, element("span", {}, label));
}

// Set a text, if it is another one: setting the same would lay the page out again.
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// A function that tells the width of an element; asking the element itself would lay the page out.
function widthOf(node, changed) {
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    const now = Math.floor(contentRect.width);
    if (now === width) return;
    width = now;
    changed();
  }).observe(node);
  return () => width || node.clientWidth;
}

function button(label, click, attributes = {}) {
  return element("button", { type: "button", on: { click }, ...attributes }, label);
}

// A frame that scrolls sideways, and that a keyboard reaches only if there is something to scroll.
function scrolling(label, child) {
  const frame = element("div", { class: "scroll" }, child);
  const watch = new ResizeObserver(() => {
    const wide = frame.scrollWidth > frame.clientWidth || frame.scrollHeight > frame.clientHeight;
    const names = { tabindex: 0, role: "region", "aria-label": label };
    for (const [name, value] of Object.entries(names)) {
      if (wide) frame.setAttribute(name, value);
      else frame.removeAttribute(name);
    }
  });
  watch.observe(frame);
  watch.observe(child);
  return frame;
}
