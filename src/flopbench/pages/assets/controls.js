// The sizes and options of the explorer, and the address that holds them.

const STEPS = 1000;

// The state of a page: sizes as BigInt by name, options as text by name, and who is told of a change.
function stateOf(sizes, options) {
  return { sizes, options, hidden: new Set(), listeners: [], tell() { this.listeners.forEach((f) => f()); } };
}

// A slider by ratio, for sizes from 1 to thousands, and a field for any size.
function sizeControl(symbol, state) {
  const { name, meaning, minimum } = symbol;
  const low = Math.max(minimum, 1);
  const most = Math.max(symbol.most, 2 * low);
  const id = fresh("size");
  const slider = element("input", { type: "range", min: 0, max: STEPS, step: 1, id });
  const box = element("input", { type: "number", min: minimum, step: 1, "aria-label": `${name}, ${meaning}` });
  slider.addEventListener("input", () => set(BigInt(Math.round(low * (most / low) ** (slider.value / STEPS)))));
  box.addEventListener("input", () => {
    const whole = /^\d{1,18}$/.test(box.value) && BigInt(box.value) >= BigInt(minimum);
    box.setCustomValidity(whole ? "" : `${name} is a whole number of ${minimum} or more, of up to 18 digits`);
    if (whole) set(BigInt(box.value), box);
  });
  box.addEventListener("change", () => box.reportValidity() && show());

  function set(value, from) {
    state.sizes.set(name, value);
    show(from);
    state.tell();
  }

  function show(from) {
    const value = state.sizes.get(name);
    if (from !== box) {
      box.value = value.toString();
      box.setCustomValidity("");
    }
    const place = (STEPS * Math.log(Math.max(Number(value), 1) / low)) / Math.log(most / low);
    if (document.activeElement !== slider || from === box) slider.value = Math.round(place);
    slider.setAttribute("aria-valuetext", exact(value));
  }

  show();
  const label = element("label", { for: id }, element("strong", {}, name), ` ${meaning}`);
  return { show, node: element("div", { class: "size" }, label, element("div", {}, slider, box)) };
}

// A choice of one of some options, each a value and its name.
function optionControl(label, key, choices, state) {
  const select = choice(label, choices.map(([, name]) => name), (index) => {
    state.options[key] = choices[index][0];
    state.tell();
  });
  const show = () => {
    const found = choices.findIndex(([value]) => value === state.options[key]);
    select.querySelector("select").selectedIndex = Math.max(found, 0);
    if (found < 0) state.options[key] = choices[0][0];
  };
  show();
  return { show, node: select };
}

// The address after "#": sizes as size.NAME, options by name, hidden series as hide.
function addressOf(state) {
  const found = new URLSearchParams();
  for (const [name, value] of state.sizes) found.set(`size.${name}`, value);
  for (const [name, value] of Object.entries(state.options)) if (value) found.set(name, value);
  for (const name of state.hidden) found.append("hide", name);
  return `#${found}`;
}

function readAddress(state, symbols) {
  const found = new URLSearchParams(location.hash.slice(1));
  for (const { name, minimum } of symbols) {
    const value = found.get(`size.${name}`);
    if (/^\d{1,18}$/.test(value ?? "") && BigInt(value) >= BigInt(minimum)) state.sizes.set(name, BigInt(value));
  }
  for (const key of Object.keys(state.options)) if (found.has(key)) state.options[key] = found.get(key);
  if (!found.size) return;
  state.hidden.clear();  // the legend holds the set itself
  found.getAll("hide").forEach((name) => state.hidden.add(name));
}
