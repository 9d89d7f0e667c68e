// Tables that sort by a click on a header.

const FIRST_ROWS = 100;
const TALL = 40;
const ONE_LINE = 26;

function tableBlock(block) {
  const { title, columns, note } = block;
  let rows = block.rows;
  let all = rows.length <= FIRST_ROWS;
  const body = element("tbody");
  const headers = columns.map((column, i) => header(column, (order) => sort(i, order)));
  const table = element(
    "table",
    {},
    element("caption", {}, title),
    element("thead", {}, element("tr", {}, headers)),
    body,
  );
  const more = button(`Show all ${exact(String(rows.length))} rows`, () => {
    all = true;
    more.remove();
    draw();
  });

  function sort(index, order) {
    headers.forEach((each, i) => {
      if (i === index && order) each.setAttribute("aria-sort", order);
      else each.removeAttribute("aria-sort");
    });
    const isText = ["text", "law"].includes(columns[index].kind);
    const sign = order === "descending" ? -1 : 1;
    rows = [...block.rows];
    if (order) {
      rows.sort((a, b) => {
        const [x, y] = [a[index], b[index]];
        return x === null || y === null ? compare(x, y, isText) : sign * compare(x, y, isText);
      });
    }
    draw();
  }

  function draw() {
    const shown = all ? rows : rows.slice(0, FIRST_ROWS);
    body.replaceChildren(...shown.map((row) => tableRow(columns, row)));
  }

  draw();
  return element(
    "div",
    { class: `block table${rows.length > TALL ? " tall" : ""}` },
    scrolling(title, table),
    all ? null : more,
    note ? element("p", { class: "note" }, note) : null,
  );
}

// A header whose button asks for the next order: up, down, as it was; numbers begin with the largest.
function header(column, sort) {
  const isText = ["text", "law"].includes(column.kind);
  const orders = isText ? ["ascending", "descending"] : ["descending", "ascending"];
  const cell = element("th", { scope: "col", class: isText ? null : "number" });
  cell.append(
    button(column.name, () => {
      const next = orders.indexOf(cell.getAttribute("aria-sort")) + 1;
      sort(orders[next] ?? null);
    }),
  );
  return cell;
}

function tableRow(columns, row) {
  return element(
    "tr",
    {},
    columns.map((column, i) => (i ? tableCell("td", column, row[i]) : first(column, row[i]))),
  );
}

function first(column, value) {
  const cell = tableCell("th", column, value);
  cell.setAttribute("scope", "row");
  return cell;
}

function tableCell(tag, column, value) {
  if (value === null) return element(tag, { class: "none" });
  if (column.kind === "number") return numberCell(tag, value, column.unit);
  if (column.kind === "share") return shareCell(tag, value);
  if (column.kind === "percent") return element(tag, { class: "number" }, percent(value));
  if (column.kind === "plain") return element(tag, { class: "number" }, exact(value, column.unit));
  if (column.kind === "law") return element(tag, { class: "law" }, element("code", {}, value));
  return element(tag, { class: value.length <= ONE_LINE ? "one-line" : null }, breakable(value));
}

// Both forms are there; which of them is seen is a setting of the page.
function numberCell(tag, value, unit) {
  const whole = exact(value, unit);
  return element(
    tag,
    { class: "number", title: whole },
    element("span", { class: "short" }, aligned(value, unit)),
    element("span", { class: "exact" }, whole),
  );
}

function shareCell(tag, value) {
  const bar = element("span", { class: "bar", "aria-hidden": "true" });
  bar.style.width = `${Math.min(Math.max(value, 0), 1) * 4}em`;
  return element(tag, { class: "number share" }, bar, percent(value));
}
