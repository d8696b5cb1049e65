"use strict";
// Moves the sliders of a page of `freeze plan`, unfolds all of its rows, and compares every cell that is
// drawn with the records of `freeze simulate`. The lines before this script define what is expected.
(() => {
  const wrong = [];
  const report = (text) => {
    const out = document.createElement("pre");
    out.id = "check";
    out.textContent = text;
    document.body.append(out);
  };
  const before = document.getElementById("picture").innerHTML;
  for (const [rule, firing, epoch] of sliders) {
    const input = document.querySelector(`input[data-rule="${rule}"][data-firing="${firing}"]`);
    if (!input) return report(`no slider for ${rule}, firing ${firing}`);
    const at = epoch === 99 ? input.choices.length : input.choices.indexOf(epoch);
    if (at < 0) return report(`the slider of ${rule} has no epoch ${epoch}: ${input.choices}`);
    input.value = at;
    input.dispatchEvent(new Event("input"));
  }
  if (hasMoved && before === document.getElementById("picture").innerHTML) {
    return report("the drawing has not changed");
  }
  for (let folded; (folded = [...document.querySelectorAll(".head")].find(
    (head) => head.textContent.startsWith("▸")));) {
    folded.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  }
  // The path of each row that is drawn, from the names of the rows around it.
  const paths = new Map(), around = [];
  for (const name of document.querySelectorAll("[data-fold]")) {
    around.length = Math.round(Number(name.getAttribute("x")) / 14);
    around.push(name.textContent.slice(2));
    if (!name.textContent.startsWith("▾")) paths.set(name.dataset.fold, around.join("."));
  }
  const drawnCells = new Map();
  for (const rect of document.querySelectorAll("[data-row]")) {
    for (let column = Number(rect.dataset.from); column < Number(rect.dataset.to); column++) {
      drawnCells.set(`${rect.dataset.row}:${column}`, rect);
    }
  }
  let compared = 0;
  for (const [index, path] of paths) {
    const isIn = (name) => name === path || name.startsWith(`${path}.`);
    if (!names.some(isIn)) return report(`no parameter is in ${path}`);
    for (const record of records) {
      const rates = record.groups.filter((group) => group.params.some(isIn)).map((group) => group.lr);
      const rect = drawnCells.get(`${index}:${record.epoch}`);
      const look = rect?.getAttribute("class") ?? "";
      const lr = rect && rect.dataset.lr !== "" ? Number(rect.dataset.lr) : null;
      const fits = record.stopped ? look === ""
        : rates.length === 0 ? look === "f"
        : rates.includes(lr) && (lr === null ? look === "p" : /^l\d+$/.test(look));
      if (!fits) wrong.push(`${path}, epoch ${record.epoch}: drawn ${look} ${lr}, not ${rates}`);
      compared++;
    }
  }
  // The tip of the first cell.
  const picture = document.getElementById("picture"), rect = document.querySelector("[data-row]");
  const box = rect.getBoundingClientRect();
  picture.dispatchEvent(new MouseEvent("mousemove", { clientX: box.x + 2, clientY: box.y + 1, bubbles: true }));
  const tip = document.getElementById("tip");
  if (tip.hidden || !tip.textContent.includes("epoch 0")) wrong.push(`the tip is “${tip.textContent}”`);
  const all = paths.size * records.length;
  if (compared === 0 || compared !== all) wrong.push(`${compared} of ${all} cells were compared`);
  report(wrong.length === 0 ? `ok ${compared}` : wrong.slice(0, 10).join("\n"));
})();
