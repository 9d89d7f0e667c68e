// Numbers as text. Exact integers come as text, since JavaScript's numbers are rounded.

const PREFIXES = ["", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q"];

// A number with a decimal prefix and four significant digits: 25380000000000 -> "25.38 TFLOP".
function si(value, unit) {
  let scaled = Number(value);
  let power = 0;
  while (Math.abs(scaled) >= 999.95 && power < PREFIXES.length - 1) {
    scaled /= 1000;
    power += 1;
  }
  const digits = String(Number(scaled.toPrecision(4)));
  const tail = PREFIXES[power] + unit;
  return tail ? `${digits} ${tail}` : digits;
}

// All digits, with commas: "25,379,772,000,000 FLOP"; what is no integer has up to six decimals.
function exact(value, unit) {
  const isWhole = typeof value === "string" || typeof value === "bigint";
  const text = isWhole
    ? BigInt(value).toString().replace(/\B(?=(\d{3})+$)/g, ",")
    : value.toLocaleString("en", { maximumFractionDigits: 6 });
  return unit ? `${text} ${unit}` : text;
}

function percent(share) {
  const value = 100 * share;
  if (value === 0) return "0 %";
  return Math.abs(value) < 0.05 ? `${Number(value.toPrecision(1))} %` : `${value.toFixed(1)} %`;
}

// The same as `si` for a column, where digits stand below each other: "1.100 TFLOP", but "12 B".
function aligned(value, unit) {
  const number = Number(value);
  if (Math.abs(number) < 1000) return Number.isInteger(number) ? exact(value, unit) : si(value, unit);
  const [digits, ...tail] = si(value, unit).split(" ");
  return [Number(digits).toPrecision(4), ...tail].join(" ");
}

// Compare cells of a column: numbers by value, texts as people sort them, empty ones last.
function compare(a, b, isText) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (isText) return String(a).localeCompare(String(b), "en", { numeric: true });
  const [x, y] = [a, b].map((v) => (typeof v === "string" ? BigInt(v) : v));
  return x < y ? -1 : x > y ? 1 : 0;
}
