// Laws: trees of exact integers (docs/export.md), compiled to functions of a map of sizes.

function floorDivided(a, b) {
  if (b === 0n) throw new RangeError("the law divides by 0 at these sizes");
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

function divided(a, b) {
  const quotient = floorDivided(a, b);
  if (quotient * b !== a) throw new RangeError("the law gives no whole number at these sizes");
  return quotient;
}

const OPERATORS = {
  "+": (...terms) => terms.reduce((a, b) => a + b, 0n),
  "*": (...factors) => factors.reduce((a, b) => a * b, 1n),
  "^": (a, b) => a ** b,
  "/": divided,
  floor: floorDivided,
  ceil: (a, b) => -floorDivided(-a, b),
  mod: (a, b) => a - b * floorDivided(a, b),
  min: (...found) => found.reduce((a, b) => (b < a ? b : a)),
  max: (...found) => found.reduce((a, b) => (b > a ? b : a)),
  not: (holds) => !holds,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

// A function of a Map of sizes that returns a BigInt, or whether a condition holds.
function compiled(tree) {
  if (typeof tree === "string") {
    if (!/^-?\d+$/.test(tree)) return (sizes) => sizes.get(tree);
    const value = BigInt(tree);
    return () => value;
  }
  const [operator, ...rest] = tree;
  if (operator === "sum" || operator === "each") return over(operator, rest);
  const parts = rest.map(compiled);
  if (operator === "if") return (sizes) => (parts[0](sizes) ? parts[1] : parts[2])(sizes);
  if (operator === "and") return (sizes) => parts.every((part) => part(sizes));
  if (operator === "or") return (sizes) => parts.some((part) => part(sizes));
  const apply = OPERATORS[operator];
  if (parts.length === 2) return (sizes) => apply(parts[0](sizes), parts[1](sizes));
  return (sizes) => apply(...parts.map((part) => part(sizes)));
}

function over(operator, [index, first, last, body]) {
  const [low, high, at] = [first, last, body].map(compiled);
  return (sizes) => {
    const inner = new Map(sizes);
    let total = 0n;
    for (let i = low(sizes); i <= high(sizes); i += 1n) {
      inner.set(index, i);
      const found = at(inner);
      if (operator === "sum") total += found;
      else if (!found) return false;
    }
    return operator === "sum" ? total : true;
  };
}

// The stages of a model with functions in the place of trees; a law is found by what it is of.
function compiledModel(model) {
  const stages = model.stages.map((stage) => ({
    ...stage,
    laws: stage.laws.map((law) => ({ ...law, at: orNull(once(() => compiled(law.tree))) })),
    conditions: stage.assumptions
      .filter(({ condition }) => condition !== null)
      .map(({ text, condition }) => ({ text, holds: orNull(compiled(condition)) })),
  }));
  return { ...model, stages, symbol: new Map(model.symbols.map((each) => [each.name, each])) };
}

// Compile on first use: a page may hold hundreds of laws.
function once(make) {
  let made;
  return (sizes) => (made ??= make())(sizes);
}

// Null where there is no value: a division leaves a rest or is one by 0, or a number is too long.
function orNull(at) {
  return (sizes) => {
    try {
      return at(sizes);
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  };
}

// Why a stage has no numbers at some sizes, or null.
function refusal(model, stage, sizes) {
  for (const name of stage.symbols) {
    const { minimum } = model.symbol.get(name);
    if (sizes.get(name) < BigInt(minimum)) return `${name} must be ${minimum} or more`;
  }
  const broken = stage.conditions.find(({ holds }) => !holds(sizes));
  return broken ? `the law of ${stage.title} assumes ${broken.text}` : null;
}

function lawOf(stage, quantity, mode, component = null) {
  return stage.laws.find(
    (law) => law.quantity === quantity && law.attention === mode && law.component === component,
  );
}

// The exact value of a quantity of a whole stage, or null if there is no law for it.
function valueOf(stage, quantity, mode, sizes) {
  const law = lawOf(stage, quantity, mode);
  return law ? law.at(sizes) : null;
}
