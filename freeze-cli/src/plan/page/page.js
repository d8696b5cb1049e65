"use strict";
// Draws one course of the run out of the scenarios in the page: which one, the sliders choose.
const data = JSON.parse(document.getElementById("data").textContent);
const { axis, states, rules, rows, groups, levels: LEVELS } = data;
const ROW = 19, SIZE = 11, CHAR = SIZE * 0.62, INDENT = 14, LANE = 14, LANES = 9;
const OVER = 0, FROZEN = 1, NEVER = Infinity;
const chosen = new Map();               // for a rule and its firing, the epoch that a slider has chosen
const $ = (id) => document.getElementById(id);
const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const key = (moment) => `${moment.rule}:${moment.firing}`;
const shortened = (name, room) => {
  const all = [...name];
  if (all.length <= room) return name;
  const left = Math.ceil((room - 1) / 2), right = Math.floor((room - 1) / 2);
  return all.slice(0, left).join("") + "…" + all.slice(all.length - right).join("");
};

// The names of rules that fire at one moment.
function together(names) {
  const all = names.join(", ");
  if (names.length < 2 || all.length <= 32) return shortened(all, 32);
  return `${shortened(names[0], 22)} and ${names.length - 1} more`;
}

// The epoch at which a moment comes, as far as it can still be chosen.
function epochOf(moment) {
  const asked = chosen.has(key(moment)) ? chosen.get(key(moment)) : moment.assumed ?? NEVER;
  return moment.choices.find((epoch) => epoch >= asked) ?? NEVER;
}

// Follows the choices through the scenarios of all groups.
function course() {
  const cells = [], firings = [], moments = new Map();
  let end = NEVER;
  for (const group of groups) {
    for (let at = 0; at !== null;) {
      const scenario = group.scenarios[at];
      const epochs = scenario.moments.map(epochOf);
      const epoch = Math.min(NEVER, ...epochs);
      const coming = scenario.moments.filter((_, index) => epochs[index] === epoch);
      const found = epoch === NEVER ? undefined : scenario.next.find(([at, of]) =>
        at === epoch && of.length === coming.length && coming.every(({ rule }) => of.includes(rule)));
      for (const moment of scenario.moments) {
        if (!moments.has(key(moment))) {
          moments.set(key(moment), { moment, hasAllChoices: group.hasAllChoices });
        }
      }
      const until = found ? epoch * axis.ticksPerEpoch : NEVER;
      group.atoms.forEach((atom, place) => {
        const own = cells[atom] ??= new Array(axis.columns).fill(OVER);
        own.fill(OVER, scenario.first);
        let column = scenario.first;
        const runs = scenario.states[place];
        for (let run = 0; run < runs.length; run += 2) {
          own.fill(runs[run], column, column + runs[run + 1]);
          column += runs[run + 1];
        }
      });
      for (const [rule, tick] of scenario.firings) if (tick < until) firings.push({ rule, tick });
      if (scenario.end !== null && scenario.end < until) end = Math.min(end, scenario.end);
      for (const moment of found ? coming : []) moments.get(key(moment)).comes = epoch;
      at = found ? found[2] : null;
    }
  }
  if (end !== NEVER) {
    const first = Math.ceil(end / axis.ticksPerColumn);
    for (const own of cells) own.fill(OVER, first);
  }
  const kept = firings.filter(({ tick }) => tick <= end).sort((one, other) =>
    one.tick - other.tick || one.rule - other.rule);
  return { cells, firings: kept, moments: [...moments.values()], end };
}

// What is seen in the cell of a row and a column.
function cellOf(cells, row, column) {
  const byRate = new Map(), optimizers = new Set(), decays = new Set();
  let trained = 0, isPart = false, isOver = true, lowest = NEVER, highest = -NEVER;
  for (const [atom, elements] of row.atoms) {
    const id = cells[atom][column], state = states[id];
    isOver &&= id === OVER;
    if (!state.trains) continue;
    trained += elements;
    isPart ||= state.isPart;
    byRate.set(state.lr, (byRate.get(state.lr) ?? 0) + elements);
    if (state.lr !== null) [lowest, highest] = [Math.min(lowest, state.lr), Math.max(highest, state.lr)];
    optimizers.add(state.optimizer ?? "the program's optimizer");
    decays.add(state.weightDecay === null ? "the program's" : shown(state.weightDecay));
  }
  if (trained === 0 && byRate.size === 0) return { look: isOver ? "" : "f", isPart: false };
  const [lr] = [...byRate].sort((a, b) => b[1] - a[1] || (b[0] ?? -1) - (a[0] ?? -1))[0];
  isPart ||= trained < row.elements;
  const look = lr === null ? "p" : `l${LEVEL_OF.get(lr)}`;
  return { look, isPart, lr, trained, lowest, highest, optimizers, decays };
}

// The level of each rate.
const LEVEL_OF = new Map(states.map((state) => [state.lr, state.level]));

function shown(value) {
  const short = Number(value.toPrecision(3));
  return short === 0 || (short >= 0.01 && short < 1000)
    ? String(short) : short.toExponential().replace("e+", "e");
}

function counted(count) {
  let amount = count, unit = "";
  for (const larger of [" k", " M", " G", " T"]) {
    if (amount < 999.5) break;
    amount /= 1000; unit = larger;
  }
  return amount.toFixed(unit && amount < 9.95 ? 1 : 0) + unit;
}

function moment(tick) {
  const step = tick % axis.ticksPerEpoch, epoch = (tick - step) / axis.ticksPerEpoch;
  return step === 0 ? `epoch ${epoch}` : `epoch ${epoch}, step ${tick}`;
}

function visible() {
  const shownRows = [];
  const add = (index) => {
    shownRows.push(index);
    if (rows[index].isOpen) rows[index].children.forEach(add);
  };
  data.outermost.forEach(add);
  return shownRows;
}

// Names above the picture: a name is in a higher lane than those that begin under it, so that no line
// crosses a name; where there is no room, neighbours have one name.
function lanes(named) {
  const labels = named.map(({ x, text }) => ({ lines: [x], names: [text] }));
  for (;;) {
    const laid = [];
    for (const { lines, names } of [...labels].reverse()) {
      const text = names.length > 2 ? `${names[0]} … ${names.at(-1)}` : names.join(", ");
      const x = lines[0] + 3, width = text.length * CHAR;
      const under = laid.filter((label) => label.x < x + width + 6).map((label) => label.lane + 1);
      laid.push({ x, width, text, lines, lane: Math.max(0, ...under) });
    }
    laid.reverse();
    if (labels.length < 2 || laid.every(({ lane }) => lane < LANES)) return laid;
    let closest = 0;
    const gap = (at) => labels[at + 1].lines[0] - labels[at].lines.at(-1);
    for (let at = 1; at + 1 < labels.length; at++) if (gap(at) < gap(closest)) closest = at;
    const [next] = labels.splice(closest + 1, 1);
    labels[closest].lines.push(...next.lines);
    labels[closest].names.push(...next.names);
  }
}

let drawn = null;                       // what is drawn now, for tips
function draw() {
  const now = course(), list = visible();
  const nameOf = (row) => shortened(row.name, Math.max(8, 36 - 2 * row.depth));
  const names = Math.max(0, ...list.map((index) =>
    INDENT * (rows[index].depth + 1) + nameOf(rows[index]).length * CHAR));
  const left = names + 10 + 6 * CHAR + 8;
  const width = Math.min(40, Math.max(4, 720 / Math.max(1, axis.columns)));
  const seen = new Set(), marks = new Map();
  for (const { rule, tick } of now.firings) {
    const mark = marks.get(tick) ?? { tick, rules: [], isByMetric: false };
    marks.set(tick, mark);
    mark.isByMetric ||= rules[rule].isByMetric;
    if (!seen.has(rule)) { seen.add(rule); mark.rules.push(rule); }
  }
  const xOf = (tick) => left + Math.min(tick, axis.ticks) / axis.ticksPerColumn * width;
  const named = [...marks.values()].filter((mark) => mark.rules.length > 0).map((mark) => ({
    x: xOf(mark.tick), text: together(mark.rules.map((rule) => rules[rule].name)),
  }));
  const labels = lanes(named);
  const top = 12 + LANE * Math.max(0, ...labels.map(({ lane }) => lane + 1));
  const bottom = top + ROW * list.length, right = left + width * axis.columns;
  const total = Math.max(right, ...labels.map((label) => label.x + label.width)) + 12;
  const out = [];
  const text = (cls, x, y, anchor, content, more = "") => out.push(
    `<text class="${cls}" x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" ${more}>` +
    `${escape(content)}</text>`);
  list.forEach((index, line) => {
    const row = rows[index], y = top + ROW * line, middle = y + ROW / 2 + 4;
    const folds = row.children.length > 0;
    const sign = folds ? (row.isOpen ? "▾ " : "▸ ") : "  ";
    text(`${row.isOpen ? "m" : "t"}${folds ? " head" : ""}`, INDENT * row.depth, middle, "start",
      sign + nameOf(row), `data-fold="${index}" xml:space="preserve"`);
    text("m", left - 8, middle, "end", counted(row.elements));
    if (row.isOpen) return;
    const own = Array.from({ length: axis.columns }, (_, column) => cellOf(now.cells, row, column));
    for (let from = 0; from < own.length;) {
      let to = from + 1;
      const { look, isPart, lr } = own[from];
      const same = (cell) => cell.look === look && cell.isPart === isPart && cell.lr === lr;
      while (to < own.length && same(own[to])) to++;
      if (look !== "") {
        const [dy, height] = look === "f" ? [ROW / 2 - 1.5, 3] : [1, ROW - 2];
        const box = `x="${(left + from * width).toFixed(2)}" y="${y + dy}" height="${height}" ` +
          `width="${((to - from) * width).toFixed(2)}"`;
        out.push(`<rect class="${look}" shape-rendering="crispEdges" ${box} data-row="${index}" data-from="${from}" ` +
          `data-to="${to}" data-lr="${lr ?? ""}"/>`);
        if (isPart) out.push(`<rect fill="url(#hatch)" ${box}/>`);
        if (look === "p") out.push(`<rect fill="url(#dots)" ${box}/>`);
      }
      from = to;
    }
  });
  for (const mark of marks.values()) {
    const x = xOf(mark.tick), label = labels.find(({ lines }) => Math.abs(lines[0] - x) < 1e-6);
    const isNamed = mark.rules.length > 0;
    const from = isNamed && label ? top - 16 - LANE * label.lane : top - 5;
    out.push(`<path class="r" ${mark.isByMetric ? 'stroke-dasharray="4 3"' : ""} ` +
      `d="M${x.toFixed(2)} ${from}V${isNamed ? bottom : top}"/>`);
  }
  for (const label of labels) text("t", label.x, top - 8 - LANE * label.lane, "start", label.text);
  out.push(`<path class="o" d="M${left} ${bottom + 3}H${right}"/>`);
  for (const [place, content] of axis.labels) {
    out.push(`<path class="o" d="M${(left + place * width).toFixed(1)} ${bottom + 3}v4"/>`);
    text("m", left + place * width, bottom + 18, "middle", content);
  }
  text("m", left - 8, bottom + 18, "end", axis.unit);
  const picture = $("picture"), height = bottom + 26;
  picture.setAttribute("viewBox", `0 0 ${total.toFixed(0)} ${height}`);
  picture.setAttribute("width", total.toFixed(0));
  picture.setAttribute("height", height);
  picture.setAttribute("font-size", SIZE);
  picture.setAttribute("aria-label", data.title);
  picture.innerHTML = patterns + `<rect class="bg" width="${total}" height="${height}"/>` +
    out.join("") + '<rect class="at" id="at" hidden="" width="0" height="0"/>';
  drawn = { now, list, left, top, width, right, bottom };
  return now;
}

const patterns = '<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" ' +
  'patternTransform="rotate(45)"><path class="h" d="M1 0v5" stroke-width="1.3"/></pattern>' +
  '<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse">' +
  '<circle class="pd" cx="3" cy="3" r="1.1"/></pattern></defs>';

// The sliders: made anew only when there are others, so that one that is moved stays.
let listed = "";
function listMoments(now) {
  const section = $("moments");
  const keys = now.moments.map(({ moment }) => key(moment)).join();
  if (keys !== listed) {
    listed = keys;
    section.textContent = "";
    if (now.moments.length > 0) {
      const coarse = now.moments.some(({ hasAllChoices }) => !hasAllChoices)
        ? " Some choices are left out, for there would be too many." : "";
      section.insertAdjacentHTML("beforeend", "<p>Metrics decide when these rules fire. Move a slider " +
        `to see the plan as it is if they fire then.${coarse}</p>`);
    }
    now.moments.forEach(({ moment }) => {
      const { name, trigger } = rules[moment.rule], id = `moment-${moment.rule}-${moment.firing}`;
      const again = moment.firing > 0 ? `, firing ${moment.firing + 1}` : "";
      section.insertAdjacentHTML("beforeend",
        `<label for="${id}"><code>${escape(name)}</code>${again}<small>${escape(trigger)}</small></label>` +
        `<input type="range" id="${id}" step="1" data-rule="${escape(name)}" data-firing="${moment.firing}">` +
        `<output for="${id}"></output>`);
      $(id).addEventListener("input", (event) => {
        const choices = event.target.choices;
        chosen.set(key(moment), choices[Number(event.target.value)] ?? NEVER);
        listMoments(draw());
      });
    });
  }
  for (const { moment, comes } of now.moments) {
    const input = $(`moment-${moment.rule}-${moment.firing}`);
    input.choices = moment.choices;
    input.max = moment.choices.length;
    const at = moment.choices.indexOf(comes);
    input.value = at < 0 ? moment.choices.length : at;
    const otherwise = now.firings.filter(({ rule }) => rule === moment.rule)[moment.firing];
    input.nextElementSibling.textContent = comes !== undefined ? `epoch ${comes}`
      : otherwise ? `not by its metric: ${momentOf(otherwise)}` : "not in this run";
  }
}
const momentOf = ({ tick }) => moment(tick);

function legend() {
  const swatch = (look, pattern = "") => {
    const [y, height] = look === "f" ? [6, 3] : [1, 13];
    const box = `x="0" y="${y}" width="20" height="${height}"`;
    return `<svg width="20" height="15"><rect class="${look}" ${box}/>` +
      (pattern ? `<rect fill="url(#${pattern})" ${box}/>` : "") + "</svg>";
  };
  const out = [], training = states.filter((state) => state.trains);
  for (const { level, text, lowest, highest } of data.rates) {
    if (text !== undefined) {
      out.push(`<span>${swatch(`l${level}`)}${text}</span>`);
      continue;
    }
    const levels = Array.from({ length: LEVELS }, (_, level) =>
      `<rect class="l${level}" x="${level * 7}" y="1" width="7.3" height="13"/>`).join("");
    out.push(`<span>learning rate ${lowest}<svg width="${LEVELS * 7}" height="15">${levels}</svg>${highest}</span>`);
  }
  if (training.some((state) => state.lr === null)) {
    out.push(`<span>${swatch("p", "dots")}the program’s learning rate</span>`);
  }
  out.push(`<span>${swatch(`l${LEVELS >> 1}`, "hatch")}trains in part</span>`);
  out.push(`<span>${swatch("f")}frozen</span>`);
  if (rules.some((rule) => rule.isByMetric)) {
    out.push('<span><svg width="20" height="15"><path class="r" stroke-dasharray="4 3" d="M10 0v15"/>' +
      "</svg>a metric decides when</span>");
  }
  $("legend").innerHTML = out.join("");
}

// What a cell is, in words.
function words(row, column) {
  const cell = cellOf(drawn.now.cells, row, column);
  const first = column * axis.ticksPerColumn;
  const last = Math.min(axis.ticks, first + axis.ticksPerColumn) - 1;
  const when = axis.isInSteps && axis.ticksPerColumn < axis.ticksPerEpoch
    ? `epoch ${Math.floor(first / axis.ticksPerEpoch)}, steps ${first} to ${last}`
    : `epoch ${Math.floor(first / axis.ticksPerEpoch)}` +
      (last >= first + axis.ticksPerEpoch ? ` to ${Math.floor(last / axis.ticksPerEpoch)}` : "");
  const lines = [`${row.name} · ${when}`];
  if (cell.look === "") lines.push("training is over");
  else if (cell.look === "f") lines.push("frozen");
  else {
    const rate = cell.lr === null ? "the program’s"
      : cell.lowest < cell.highest ? `${shown(cell.lowest)} to ${shown(cell.highest)}` : shown(cell.lr);
    lines.push(`${cell.trained < row.elements ? `${counted(cell.trained)} of ${counted(row.elements)}`
      : `all ${counted(row.elements)}`} numbers train${cell.isPart && cell.trained === row.elements
      ? ", by a sample or for a part of the time" : ""}`);
    lines.push(`learning rate ${rate}`);
    lines.push(`${[...cell.optimizers].join(", ")}, weight decay ${[...cell.decays].join(", ")}`);
  }
  for (const { rule, tick } of drawn.now.firings) {
    if (tick >= first && tick <= last) lines.push(`${rules[rule].name} fires: ${rules[rule].trigger}`);
  }
  return lines.join("\n");
}

let pointed = null;
function point(line, column, x, y) {
  const tip = $("tip"), mark = $("at");
  const row = drawn && rows[drawn.list[line]];
  if (!row || row.isOpen || column < 0 || column >= axis.columns) {
    tip.hidden = true;
    mark.setAttribute("hidden", "");
    pointed = null;
    return;
  }
  pointed = { line, column };
  tip.textContent = words(row, column);
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 8))}px`;
  tip.style.top = `${Math.max(4, y + 18 + box.height > innerHeight ? y - box.height - 12 : y + 18)}px`;
  mark.removeAttribute("hidden");
  for (const [name, value] of [["x", drawn.left + column * drawn.width], ["y", drawn.top + line * ROW + 0.5],
    ["width", drawn.width], ["height", ROW - 1]]) mark.setAttribute(name, value);
}
const picture = $("picture");
picture.addEventListener("mousemove", (event) => {
  const box = picture.getBoundingClientRect();
  const column = Math.floor((event.clientX - box.left - drawn.left) / drawn.width);
  point(Math.floor((event.clientY - box.top - drawn.top) / ROW), column, event.clientX, event.clientY);
});
picture.addEventListener("mouseleave", () => point(-1, -1));
picture.addEventListener("blur", () => point(-1, -1));
picture.addEventListener("keydown", (event) => {
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  if (!(event.key in moves)) return;
  event.preventDefault();
  const [down, across] = moves[event.key];
  const from = pointed ?? { line: 0, column: 0 };
  let line = from.line + (pointed ? down : 0);
  while (rows[drawn.list[line]]?.isOpen) line += down || 1;
  line = Math.min(drawn.list.length - 1, Math.max(0, line));
  const column = Math.min(axis.columns - 1, Math.max(0, from.column + (pointed ? across : 0)));
  const box = picture.getBoundingClientRect();
  point(line, column, box.left + drawn.left + column * drawn.width, box.top + drawn.top + line * ROW);
});
picture.addEventListener("click", (event) => {
  const fold = event.target.closest?.("[data-fold]");
  const row = fold && rows[Number(fold.dataset.fold)];
  if (!row || row.children.length === 0) return;
  row.isOpen = !row.isOpen;
  draw();
});

$("title").textContent = data.title;
legend();
listMoments(draw());
