// Fills the elements that say where their content comes from, with the page's own number, name or search.
const wanted = new URLSearchParams(location.search);
for (const element of document.querySelectorAll("[data-from]")) {
  const query = wanted.has("q") || wanted.has("page") ? "?" + wanted : "";
  fetch(element.dataset.from + (wanted.get("id") ?? "") + query)
    .then((answer) => answer.json())
    .then((found) => {
      for (const product of [found].flat()) {
        const link = document.createElement("a");
        link.href = "/product.html?id=" + product.id;
        link.textContent = product.name + " ";
        element.append(link);
      }
    });
}
