
// Filters, and curl lines to copy. Without scripts the page shows everything.
const filters = document.querySelector("#filters");
const clauses = [...document.querySelectorAll(".clause")];

function filter() {
  const words = filters.elements.text.value.toLowerCase().split(/\s+/);
  const states = new Set([...filters.querySelectorAll("[name=state]:checked")].map((box) => box.value));
  let shown = 0;
  for (const clause of clauses) {
    clause.hidden = !states.has(clause.dataset.state) || !words.every((word) => clause.textContent.toLowerCase().includes(word));
    shown += clause.hidden ? 0 : 1;
  }
  document.querySelector("#none").hidden = shown > 0;
}

async function copy(button) {
  const lines = [...button.parentElement.querySelectorAll(".steps li")].map((line) => line.textContent).join("\n");
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(lines);
  } else {
    const area = document.createElement("textarea");
    area.value = lines;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = "Copied";
}

filters.hidden = false;
filters.addEventListener("input", filter);
filters.addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
