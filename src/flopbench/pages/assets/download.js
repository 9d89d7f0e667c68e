// Files made in the browser: nothing leaves it.

function save(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function fileName(title, ending) {
  const stem = title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  return `${stem.slice(0, 60) || "flopbench"}.${ending}`;
}

const STYLES = ["fill", "stroke", "font-size", "font-family", "font-weight", "color", "opacity"];

// A picture as a text that any program shows: colours of the page as they are now, in the picture.
function svgText(svg) {
  const copy = svg.cloneNode(true);
  const originals = [svg, ...svg.querySelectorAll("*")];
  const copies = [copy, ...copy.querySelectorAll("*")];
  originals.forEach((original, i) => {
    const style = getComputedStyle(original);
    for (const name of STYLES) copies[i].style.setProperty(name, style.getPropertyValue(name));
  });
  const { width, height } = svg.getBoundingClientRect();
  fill(copy, { xmlns: SVG, width, height }, []);
  if (!copy.getAttribute("viewBox")) copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const paper = getComputedStyle(document.body).backgroundColor;
  copy.prepend(shape("rect", { width: "100%", height: "100%", fill: paper }));
  return new XMLSerializer().serializeToString(copy);
}

const MOST_PIXELS = 16000;

function savePng(name, svg) {
  const text = svgText(svg);
  const { width, height } = svg.getBoundingClientRect();
  const picture = new Image();
  picture.onload = () => {
    const scale = Math.min(2, MOST_PIXELS / height);
    const canvas = element("canvas", { width: scale * width, height: scale * height });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save(name, blob, "image/png"));
  };
  picture.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
}

// Buttons that save the picture that `find` returns.
function pictureButtons(title, find) {
  const svg = () => save(fileName(title, "svg"), svgText(find()), "image/svg+xml");
  const png = () => savePng(fileName(title, "png"), find());
  return element(
    "span",
    { class: "downloads" },
    button("SVG", svg, { "aria-label": `Download ${title} as SVG` }),
    button("PNG", png, { "aria-label": `Download ${title} as PNG` }),
  );
}
