"use strict";
// Two pictures of every photograph behind a line that can be moved.
function pictureNames({ methods }) {
  const names = new Map([["photo", "photograph"], ["truth", "true mask"]]);
  for (const [method, label] of methods) {
    names.set(`overlay:${method}`, label);
    names.set(`mask:${method}`, `${label}, mask`);
  }
  return names;
}

function gallerySelect(select, { methods }, chosen) {
  const group = (label, options) => {
    const part = element("optgroup", { label });
    for (const [value, text] of options) part.append(new Option(text, value, false, value === chosen));
    select.append(part);
  };
  group("Photograph", [["photo", "photograph"], ["truth", "true mask"]]);
  group("Reconstruction", methods.map(([method, label]) => [`overlay:${method}`, label]));
  group("Mask", methods.map(([method, label]) => [`mask:${method}`, `${label}, mask`]));
}

function fillSide(side, photo, picture, name) {
  const tile = photo.pictures[picture];
  if (!tile.startsWith("data:")) return side.replaceChildren(element("span", { class: "word" }, tile));
  const kind = /^(mask|truth)/.test(picture) ? "mask" : "photo";
  return side.replaceChildren(element("img", { src: tile, class: kind, alt: `${photo.title}: ${name}`, draggable: "false" }));
}

function galleryCard(photo, names) {
  const [left, right, line] = ["left", "right", "line"].map((name) => element("div", { class: name }));
  const [start, end] = [element("span", { class: "tag" }), element("span", { class: "tag end" })];
  const range = element("input", { type: "range", min: 0, max: 100, value: 50, step: 1 });
  const slider = element("div", { class: "slider" }, left, right, line, start, end, range);
  range.addEventListener("input", () => slider.style.setProperty("--cut", `${range.value}%`));
  const scores = element("span");
  const caption = element("figcaption", {}, element("b", {}, photo.title), element("span", {}, photo.rule), scores);
  const show = (picture, other) => {
    fillSide(left, photo, picture, names.get(picture));
    fillSide(right, photo, other, names.get(other));
    [start.textContent, end.textContent] = [names.get(picture), names.get(other)];
    range.setAttribute("aria-label", `${photo.title}: ${names.get(picture)} on the left, ${names.get(other)} on the right`);
    const shown = new Set([picture, other].map((each) => each.split(":")[1]).filter(Boolean));
    scores.textContent = [...shown].filter((method) => photo.scores[method])
      .map((method) => `${names.get(`overlay:${method}`)}: ${photo.scores[method]}`).join("; ");
  };
  return { card: element("figure", { class: "shot" }, slider, caption), show };
}

if (data.gallery) {
  const [left, right] = ["gallery-left", "gallery-right"].map((id) => document.getElementById(id));
  gallerySelect(left, data.gallery, "photo");
  gallerySelect(right, data.gallery, `overlay:${data.gallery.focus}`);
  const names = pictureNames(data.gallery);
  const cards = data.gallery.photos.map((photo) => galleryCard(photo, names));
  document.getElementById("gallery-cards").append(...cards.map(({ card }) => card));
  const show = () => { for (const card of cards) card.show(left.value, right.value); };
  for (const select of [left, right]) select.addEventListener("change", show);
  show();
}
