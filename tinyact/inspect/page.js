"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const nodes = data.nodes;
const steps = [
  ...data.forward.map((step, k) => ({ ...step, pass: "forward", place: k + 1, of: data.forward.length })),
  ...data.backward.map((step, k) => ({ ...step, pass: "backward", place: k + 1, of: data.backward.length })),
];
const byId = (id) => document.getElementById(id);
let current = 0;

// --- small makers of elements: text is always set as text, only formulas are markup ------------------------------

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

function formula(markup, tag = "span") {
  const element = make(tag);
  element.innerHTML = markup;
  return element;
}

const nameOf = (number) => (nodes[number] ? nodes[number].name : data.inside[number]);
const inputsOf = (number) => data.forward.find((step) => step.node === number)?.inputs ?? [];

function equation(number) {
  const node = nodes[number];
  if (node.kind === "group") return `${node.name} (${node.operation})`;
  return `${node.name} = ${node.operation}(${inputsOf(number).map((input) => nameOf(input.node)).join(", ")})`;
}

// --- numbers -----------------------------------------------------------------------------------------------------

function shortened(text) {
  const number = Number(text);
  if (!Number.isFinite(number)) return text;
  return number !== 0 && Math.abs(number) < 1e-3 ? number.toExponential(3) : String(Number(number.toPrecision(4)));
}

function cell(text) {
  const bad = !Number.isFinite(Number(text)) && !["True", "False"].includes(text);
  return make("td", { title: text, class: bad ? "bad" : Number(text) === 0 ? "zero" : "" }, shortened(text));
}

function table(rows, header) {
  const body = make("tbody");
  const single = rows.length === 1 && rows[0].length > 8;
  const lines = single ? wrapped(rows[0], 4) : rows.map((row, k) => [k, row]);
  const many = rows.length > 1 || rows[0]?.length > 1;
  if (many) {
    const columns = lines[0][1].map((_, k) => make("th", { scope: "col" }, String(k)));
    body.append(make("tr", {}, make("th", {}, single ? "+" : ""), ...columns));
  }
  for (const [place, row] of lines) {
    body.append(make("tr", {}, many ? make("th", { scope: "row" }, String(place)) : null, ...row.map(cell)));
  }
  const caption = header ? make("figcaption", {}, header) : null;
  return make("div", { class: many ? "scroll" : "scroll one" }, caption, make("table", {}, body));
}

function wrapped(row, width) {
  const lines = [];
  for (let start = 0; start < row.length; start += width) lines.push([start, row.slice(start, start + width)]);
  return lines;
}

function figures(picture) {
  const line = make("div", { class: "figures" });
  const add = (what, text) => line.append(make("span", {}, what, " ", make("b", { title: text }, shortened(text))));
  line.append(make("span", {}, picture.shape.join(" × ") || "one number", " ", picture.dtype));
  if (picture.rows && picture.rows.length * (picture.rows[0] ?? []).length === 1) return line;
  add("norm", picture.norm);
  add("least", picture.least);
  add("greatest", picture.greatest);
  line.append(make("span", {}, make("b", {}, `${picture.zeros} %`), " zeros"));
  if (picture.notFinite) line.append(make("span", { class: "alarm" }, `${picture.notFinite} NaN or infinite`));
  return line;
}

// The colours of the scale, from the style sheet, which knows whether it is dark.
function colours() {
  const style = getComputedStyle(document.documentElement);
  const parts = (name) => style.getPropertyValue(name).trim().match(/\w\w/g).map((hex) => parseInt(hex, 16));
  return { low: parts("--low"), middle: parts("--middle"), high: parts("--high"), bad: [194, 24, 91] };
}

function heatMap(heat, label) {
  const canvas = make("canvas", { width: heat.columns, height: heat.rows, role: "img", "aria-label": label });
  canvas.style.height = `${Math.min(220, Math.max(24, heat.rows * 6))}px`;
  const context = canvas.getContext("2d");
  const image = context.createImageData(heat.columns, heat.rows);
  const { low, middle, high, bad } = colours();
  const bytes = Uint8Array.from(atob(heat.bytes), (c) => c.charCodeAt(0));
  new Int8Array(bytes.buffer).forEach((level, k) => {
    const share = Math.abs(level) / 126;
    const end = level < 0 ? low : high;
    const colour = level === -127 ? bad : middle.map((m, c) => m + share * (end[c] - m));
    image.data.set([...colour, level === -128 ? 0 : 255], 4 * k);
  });
  context.putImageData(image, 0, 0);
  return canvas;
}

function heatFigure(picture) {
  const heat = picture.heat;
  const [down, across] = heat.block;
  const averaged = down * across > 1 ? `Each cell is the mean of ${down} × ${across} elements.` : "Each cell is one element.";
  const direction = heat.single
    ? "Read line by line."
    : heat.upright ? "Rows run from left to right, columns from top to bottom." : "";
  const label = `Heat map from ${shortened(picture.least)} to ${shortened(picture.greatest)}. ${averaged}`;
  return make("div", {},
    heatMap(heat, label),
    make("div", { class: "bar", "aria-hidden": "true" }),
    make("div", { class: "scale" },
      make("span", {}, `−${shortened(heat.scale)}`), make("span", {}, "0"), make("span", {}, shortened(heat.scale))),
    make("figcaption", {}, `${averaged} ${direction}`));
}

function histogram({ counts, from, to }) {
  const namespace = "http://www.w3.org/2000/svg";
  const chart = document.createElementNS(namespace, "svg");
  const most = Math.max(...counts);
  const attributes = { class: "histogram", viewBox: `0 0 ${counts.length} 100`, preserveAspectRatio: "none", role: "img",
    "aria-label": `Histogram: how often values from ${shortened(from)} to ${shortened(to)} occur` };
  for (const [name, value] of Object.entries(attributes)) chart.setAttribute(name, value);
  counts.forEach((count, k) => {
    const bar = document.createElementNS(namespace, "rect");
    const height = count ? Math.max(2, (100 * count) / most) : 0;
    for (const [name, value] of Object.entries({ x: k + 0.06, y: 100 - height, width: 0.88, height })) {
      bar.setAttribute(name, value);
    }
    chart.append(bar);
  });
  const ends = make("div", { class: "scale" }, make("span", {}, shortened(from)), make("span", {}, shortened(to)));
  return make("div", {}, chart, ends);
}

function array(label, number, note = "") {
  const figure = make("figure", { "data-value": label }, make("div", { class: "label" }, label));
  if (note) figure.append(make("div", { class: "note" }, note));
  if (number === null) return figure;
  const picture = data.pictures[number];
  figure.append(figures(picture));
  if (picture.rows) {
    figure.append(table(picture.rows));
    return figure;
  }
  const [height, width] = [picture.corner.length, picture.corner[0].length];
  figure.append(heatFigure(picture), histogram(picture.histogram),
    table(picture.corner, `The first ${height === 1 ? "" : `${height} × `}${width}:`));
  if (Object.keys(picture.followed ?? {}).length) figure.append(entries(picture.followed));
  return figure;
}

// The factors that the largest terms of other steps' sums name, and what these were made of.
function entries(followed) {
  const rows = Object.entries(followed).map(([place, text]) =>
    make("tr", {}, make("th", { scope: "row" }, place), cell(text)));
  return make("table", { class: "entries" }, make("caption", {}, "The entries followed:"), make("tbody", {}, ...rows));
}

// --- an entry of a matrix product, as the sum that it is ---------------------------------------------------------

function decoded(terms) {
  const real = terms.wide ? Float64Array : Float32Array;
  const kinds = { index: Uint32Array, zeros: Uint32Array };
  return Object.fromEntries(Object.entries(terms.arrays).map(([name, text]) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return [name, new (kinds[name] ?? real)(bytes.buffer)];
  }));
}

const counted = (number) => number.toLocaleString("en");

function sumTable(terms, arrays, place, [row, column]) {
  const [left, right] = terms.names.map((name) => name.replace("R", row).replace("C", column));
  const heads = ["i", left, right, "product"].map((text) => make("th", { scope: "col" }, text));
  const body = make("tbody", {}, make("tr", {}, ...heads));
  for (let k = place * terms.shown; k < (place + 1) * terms.shown; k += 1) {
    const numbers = [arrays.left[k], arrays.right[k], arrays.left[k] * arrays.right[k]];
    body.append(make("tr", {}, make("th", { scope: "row" }, String(arrays.index[k])), ...numbers.map((n) => cell(String(n)))));
  }
  const last = (text, number, kind) => body.append(make("tr", { class: kind },
    make("th", { scope: "row", colspan: 3 }, text), cell(String(number))));
  const more = terms.count - terms.shown;
  if (more) last(`+ ${counted(more)} smaller ones, together`, arrays.rest[place], "rest");
  last("= the sum", arrays.total[place], "total");
  return make("div", { class: "scroll" }, make("table", {}, body));
}

// Lets one choose an entry, and shows the products that it is the sum of.
function follow(terms, name) {
  const arrays = decoded(terms);
  const shown = make("div", { "aria-live": "polite" });
  const choose = (what, k) => make("input", { type: "number", min: 0, max: terms.shape[k] - 1, value: terms.start[k],
    "aria-label": `${what} of the entry of ${name} to follow` });
  const inputs = [choose("row", 0), choose("column", 1)];
  const update = () => {
    const entry = inputs.map((input, k) => Math.min(Math.max(Math.trunc(Number(input.value)), 0), terms.shape[k] - 1));
    const flat = entry[0] * terms.shape[1] + entry[1];
    const place = terms.places === null ? flat : terms.places.indexOf(flat);
    const [left, right] = terms.names.map((part) => part.replace("R", entry[0]).replace("C", entry[1]));
    const equation = make("p", { class: "note" },
      `${name}[${entry}] = Σ ${left} · ${right}, over ${counted(terms.count)} i` +
      (place >= 0 && arrays.zeros[place] ? `, of which ${counted(arrays.zeros[place])} are 0` : ""));
    const missing = () => make("p", {}, `The page holds the sums of ${counted(terms.places.length)} of these ` +
      `${counted(terms.shape[0] * terms.shape[1])} entries: of the largest, such as [${terms.start}], and of the first rows and columns.`);
    shown.replaceChildren(equation, place < 0 ? missing() : sumTable(terms, arrays, place, entry));
  };
  for (const input of inputs) input.addEventListener("input", update);
  update();
  return make("div", { class: "follow" },
    make("p", {}, "Follow one entry: row ", inputs[0], " column ", inputs[1]), shown);
}

// --- what is said about a step -----------------------------------------------------------------------------------

function column(title, ...content) {
  return make("section", {}, make("h3", {}, title), ...content);
}

function wideColumn(title, ...content) {
  return make("section", { class: "wide" }, make("h3", {}, title), make("div", {}, ...content));
}

const fraction = (above, below) => {
  const namespace = "http://www.w3.org/1998/Math/MathML";
  const part = (name) => {
    const element = document.createElementNS(namespace, "mi");
    element.textContent = `∂${name}`;
    return element;
  };
  const element = document.createElementNS(namespace, "mfrac");
  element.append(part(nameOf(above)), part(nameOf(below)));
  return element;
};

const termsOf = (number) => data.backward.find((step) => step.node === number).terms;

// ∂L/∂(this value) by the chain rule: a product along one path, back to where several meet; there a sum.
function chain(number) {
  const math = document.createElementNS("http://www.w3.org/1998/Math/MathML", "math");
  math.setAttribute("displaystyle", "true");
  const sign = (text) => {
    const element = document.createElementNS(math.namespaceURI, "mo");
    element.textContent = text;
    return element;
  };
  math.append(fraction(1, number), sign("="));
  termsOf(number).forEach((term, k) => {
    const path = [fraction(term.source, number)];
    let source = term.source;
    while (termsOf(source).length === 1 && termsOf(source)[0].source !== null) {
      path.unshift(fraction(termsOf(source)[0].source, source), sign("·"));
      source = termsOf(source)[0].source;
    }
    if (source !== 1) path.unshift(fraction(1, source), sign("·"));
    math.append(...(k ? [sign("+")] : []), ...path);
  });
  return make("div", { class: "chain", "aria-label": "Chain rule" }, math);
}

const sign = (text) => make("p", { class: "sign" }, text);

function valueFigure(number, argument) {
  const node = nodes[number];
  const label = argument && argument !== node.name ? `${argument} = ${node.name}` : node.name;
  return array(label, node.value, node.kind === "operation" || node.value === null ? `${node.origin}` : "");
}

function forwardStep(step) {
  const node = nodes[step.node];
  const kept = node.kind === "group" ? "values" : node.saved.join(", ");
  const keeps = kept
    ? `The tape keeps ${kept} (${node.savedBytes}) for the derivatives.`
    : "The tape keeps nothing here: the derivative needs no values.";
  const inputs = step.inputs.map((input) => valueFigure(input.node, input.argument));
  return [
    mathematics(node, [formula(node.formula)]),
    code(step.lines),
    make("div", { class: "flow" },
      inputs.length ? (inputs.length > 1 ? wideColumn : column)("Goes in", ...inputs) : null,
      column("Comes out", array(node.name, node.value, node.origin), make("p", { class: "note" }, keeps))),
  ];
}

// What of NumPy made the numbers.
const code = (lines) => lines.length ? make("pre", { class: "numpy", tabindex: "0", "aria-label": "In NumPy" }, lines.join("\n")) : null;

function mathematics(node, formulas) {
  const settings = node.settings ? make("span", { class: "note" }, node.settings) : null;
  return node.formula ? make("div", { class: "mathematics" }, ...formulas, settings) : null;
}

// What the sender of a gradient knows about the sums in it.
const termsSent = (term, target) => data.backward.find((step) => step.node === term.source)?.sent
  .find((sent) => sent.target === target && sent.argument === term.argument)?.terms;

function arrival(step, node) {
  const content = [];
  const whole = `∂L/∂${node.name}`;
  const summed = step.terms.length > 1 || step.hooked;
  step.terms.forEach((term, k) => {
    if (k) content.push(sign("+"));
    const origin = term.source === null ? "the start" : `from ${nameOf(term.source)}, for its ${term.argument}`;
    content.push(array(summed ? `along path ${k + 1}` : `g = ${whole}`, term.picture, origin));
    const terms = node.kind === "leaf" ? termsSent(term, step.node) : null;
    if (terms) content.push(follow(terms, whole));
  });
  if (summed) {
    content.push(sign("="), array(`g = ${whole}`, step.gradient,
      step.hooked ? "the sum over all paths, changed by a hook" : "the sum over all paths"));
  }
  const isShort = step.terms.every((term) => data.pictures[term.picture].rows?.flat().length <= 4);
  return summed && isShort ? [make("div", { class: "sum" }, ...content)] : content;
}

function departure(sent) {
  const target = nameOf(sent.target);
  const paths = data.backward.find((step) => step.node === sent.target)?.terms.length ?? 1;
  const notes = [];
  if (sent.returned !== null) {
    notes.push(`The rule returned ${data.pictures[sent.returned].shape.join(" × ") || "one number"}: ` +
      "summed over what broadcasting had repeated.");
  }
  if (paths > 1) notes.push(`One of ${paths} paths to ${target}: they are added up there.`);
  const rule = sent.slope === null ? formula(sent.rule, "div") : make("div", {}, "g times the slope");
  rule.className = "rule";
  if (sent.factor && sent.slope === null) rule.append(` — ${sent.factor}`);
  const figure = array(paths > 1 ? `to ${target}, for its sum` : `∂L/∂${target}`, sent.picture, notes.join(" "));
  figure.firstChild.after(...[rule, code(sent.lines)].filter(Boolean));
  if (sent.terms) figure.append(follow(sent.terms, `∂L/∂${target}`));
  return figure;
}

function backwardStep(step) {
  const node = nodes[step.node];
  const arrives = column("Arrives", ...arrival(step, node));
  // The first two gradients are what they are: there is nothing to multiply yet.
  const isProduct = step.terms.some((term) => term.source !== null && term.source !== 1) || step.terms.length > 1;
  const chained = isProduct && node.kind !== "group" ? chain(step.node) : null;
  if (node.kind === "leaf") {
    const kept = step.before === null
      ? [make("p", {}, `${node.name}.grad was None before. Now it is what has arrived.`)]
      : [array(`${node.name}.grad before`, step.before), sign("+ g ="), array(`${node.name}.grad`, step.after)];
    return [chained, make("div", { class: "flow" }, arrives, column("Is added to .grad", ...kept),
      column("The value it belongs to", array(node.name, node.value)))];
  }
  const used = inputsOf(step.node).filter((input) => node.saved.includes(input.argument));
  const own = node.saved.includes("y") ? [array(`y = ${node.name}`, node.value, "its own output")] : [];
  const known = [...used.map((input) => valueFigure(input.node, input.argument)), ...own];
  const slope = step.sent[0]?.slope ?? null;
  if (slope !== null) {
    const factor = array(`∂${node.name}/∂${nameOf(step.sent[0].target)}`, slope, "what the rule makes of ones: the factor beside g");
    factor.firstChild.after(formula(step.sent[0].rule, "div"));
    known.push(factor);
  }
  const rules = [...new Set(step.sent.map((sent) => sent.rule))].map((rule) => formula(rule));
  return [
    chained,
    mathematics(node, [formula(node.formula), ...rules]),
    make("div", { class: "flow" },
      arrives,
      known.length ? column(slope === null ? "The tape kept, for the rule" : "Times the slope", ...known) : null,
      column(node.kind === "group" ? "Goes on, and into its parameters" : "Goes on", ...step.sent.map(departure))),
  ];
}

function heading(step) {
  const node = nodes[step.node];
  if (step.pass === "forward") return equation(step.node);
  return node.kind === "leaf" ? `${node.name}.grad` : `∂L/∂${node.name}, through ${equation(step.node)}`;
}

function spoken(step) {
  const intro = `Step ${current + 1} of ${steps.length}: ${step.pass} ${step.place} of ${step.of}. `;
  if (step.pass === "forward") return `${intro}${equation(step.node)}.`;
  const node = nodes[step.node];
  const from = step.terms.length > 1 ? ` is the sum over ${step.terms.length} paths` : " has arrived";
  const on = node.kind === "leaf" ? "it is added to .grad" : `it goes on to ${[...new Set(step.sent.map((sent) => nameOf(sent.target)))].join(", ")}`;
  return `${intro}∂L/∂${node.name}${from}; ${on}.`;
}

// --- the graph ---------------------------------------------------------------------------------------------------

function mark(id, ...classes) {
  byId(id)?.classList.add(...classes);
}

function markGraph() {
  for (const element of document.querySelectorAll(".tape .node, .tape .edge")) {
    element.classList.remove("done", "swept", "now");
  }
  steps.slice(0, current + 1).forEach((step, k) => {
    const now = k === current ? ["now"] : [];
    const state = step.pass === "forward" ? "done" : "swept";
    mark(`node-${step.node}`, state, ...now);
    for (const input of step.inputs ?? []) {
      mark(`node-${input.node}`, state);
      mark(`edge-${input.node}-${step.node}`, state, ...now);
    }
    for (const sent of step.sent ?? []) mark(`edge-${sent.target}-${step.node}`, state, ...now);
  });
  const box = byId(`node-${steps[current].node}`).getBoundingClientRect();
  const frame = byId("graph").getBoundingClientRect();
  byId("graph").scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
}

function stepOf(number) {
  const pass = steps[current].pass;
  const found = steps.findIndex((step) => step.node === number && step.pass === pass);
  return found >= 0 ? found : steps.findIndex((step) => step.node === number);
}

function makeNodesButtons() {
  const picture = document.querySelector(".tape");
  picture.setAttribute("role", "group");
  for (const [number, node] of Object.entries(nodes)) {
    const element = byId(`node-${number}`);
    if (stepOf(Number(number)) < 0) continue;
    element.setAttribute("role", "button");
    element.setAttribute("tabindex", "0");
    element.setAttribute("aria-label", `${node.name}, ${node.operation || node.kind}: go to its step`);
    element.addEventListener("click", () => show(stepOf(Number(number))));
    element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        show(stepOf(Number(number)));
      }
    });
  }
}

// --- stepping ----------------------------------------------------------------------------------------------------

function show(index) {
  current = Math.min(Math.max(index, 0), steps.length - 1);
  const step = steps[current];
  document.body.className = step.pass;
  byId("slider").value = current;
  byId("slider").setAttribute("aria-valuetext", `${step.pass} ${step.place} of ${step.of}: ${heading(step)}`);
  byId("first").disabled = byId("previous").disabled = current === 0;
  byId("last").disabled = byId("next").disabled = current === steps.length - 1;
  byId("status").textContent = spoken(step);
  const content = step.pass === "forward" ? forwardStep(step) : backwardStep(step);
  byId("step").replaceChildren(make("h2", { id: "heading" }, heading(step)), ...content.filter(Boolean));
  markGraph();
}

const moves = {
  ArrowLeft: () => current - 1,
  ArrowRight: () => current + 1,
  Home: () => 0,
  End: () => steps.length - 1,
};

document.addEventListener("keydown", (event) => {
  const isElsewhere = event.target.closest("input, .scroll");
  if (isElsewhere || event.ctrlKey || event.altKey || event.metaKey || !(event.key in moves)) return;
  event.preventDefault();
  show(moves[event.key]());
});
byId("slider").max = steps.length - 1;
byId("slider").addEventListener("input", () => show(Number(byId("slider").value)));
for (const [id, key] of [["first", "Home"], ["previous", "ArrowLeft"], ["next", "ArrowRight"], ["last", "End"]]) {
  byId(id).addEventListener("click", () => show(moves[key]()));
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(current));
makeNodesButtons();
show(0);
