"use strict";
// Two error maps of one person that turn together; the table of pictures chooses the left one.
const SUBSETS = { all: "all", unoccluded: "unoccluded", occluded: "occluded" };
const STEP = Math.PI / 18; // of an arrow key
const DISTANCE = 1.5;
const SIZE = 1.75; // of the height of a face, in the units of the scene

function mapCamera(yaw, pitch) {
  const flat = Math.cos(pitch) * DISTANCE;
  return {
    up: { x: 0, y: 1, z: 0 }, center: { x: 0, y: 0, z: 0 }, projection: { type: "orthographic" },
    eye: { x: Math.sin(yaw) * flat, y: Math.sin(pitch) * DISTANCE, z: Math.cos(yaw) * flat },
  };
}

function mapMesh(person) {
  if (!person.mesh) {
    const points = decode(person.vertices, Int16Array);
    const corners = decode(person.triangles, Uint16Array);
    const part = (values, place, scale) =>
      Float32Array.from({ length: values.length / 3 }, (_, each) => values[3 * each + place] * scale);
    const [x, y, z] = [0, 1, 2].map((place) => part(points, place, data.maps.unit));
    const [i, j, k] = [0, 1, 2].map((place) => part(corners, place, 1));
    person.mesh = { x, y, z, i, j, k };
  }
  return person.mesh;
}

function mapTrace(person, { errors }) {
  const values = Array.from(decode(errors, Uint16Array), (value) => value * data.maps.unitError);
  const { colours, range } = data.maps;
  return {
    type: "mesh3d", ...mapMesh(person), intensity: values, customdata: values,
    colorscale: colours.map((each, place) => [place / (colours.length - 1), each]),
    cmin: 0, cmax: range, showscale: false, flatshading: false,
    lighting: { ambient: 0.9, diffuse: 0.3, specular: 0, roughness: 1, fresnel: 0 },
    lightposition: { x: 0, y: 20000, z: 100000 },
    hovertemplate: "%{customdata:.2f} mm<extra></extra>",
  };
}

function mapLayout(camera, { x, y, z }) {
  const axis = { visible: false, showspikes: false };
  const extent = (values) => values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b));
  const height = extent(y);
  const [wide, deep] = [x, z].map((values) => (SIZE * extent(values)) / height);
  return {
    margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)", uirevision: "keep",
    scene: { xaxis: axis, yaxis: axis, zaxis: axis, aspectmode: "manual", aspectratio: { x: wide, y: SIZE, z: deep }, dragmode: "orbit", camera, bgcolor: "rgba(0,0,0,0)" },
  };
}

function hasWebGL() {
  const context = document.createElement("canvas").getContext("webgl");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}

function makeViewer({ persons, methods, focus }) {
  const plots = [...document.querySelectorAll(".mesh")];
  const selects = [...document.querySelectorAll(".map-method")];
  const means = [...document.querySelectorAll(".map-mean")];
  const [person, subset] = ["map-person", "map-subset"].map((id) => document.getElementById(id));
  let [yaw, pitch] = [0, 0];

  fillSelect(person, persons.map(({ subject, rule }, place) => [String(place), `${subject} (${rule})`]), "0");
  fillSelect(subset, Object.entries(SUBSETS).filter(([name]) => persons.some(({ maps }) => Object.values(maps).some(({ subsets }) => name in subsets))), "all");
  const other = methods.map(([method]) => method).find((method) => method !== focus) ?? focus;
  selects.forEach((select, side) => fillSelect(select, methods, side ? focus : other));

  const chosen = (side) => persons[person.value].maps[selects[side].value]?.subsets[subset.value];
  const show = () => {
    plots.forEach((plot, side) => {
      const map = chosen(side);
      const traces = map ? [mapTrace(persons[person.value], map)] : [];
      means[side].textContent = map
        ? `mean ${map.mean.toFixed(2)} mm, ${map.images} photograph${map.images === 1 ? "" : "s"}` : "no map";
      Plotly.react(plot, traces, mapLayout(mapCamera(yaw, pitch), mapMesh(persons[person.value])), { displayModeBar: false, responsive: true, scrollZoom: false });
    });
    for (const thumb of document.querySelectorAll(".thumb")) {
      const same = thumb.dataset.person === person.value;
      thumb.setAttribute("aria-pressed", String(same && selects.some(({ value }) => value === thumb.dataset.method)));
    }
  };
  let last = "";
  const turn = (camera, from) => {
    last = JSON.stringify(camera.eye);
    for (const plot of plots) if (plot !== from) Plotly.relayout(plot, { "scene.camera": camera });
  };
  const face = (toYaw, toPitch) => {
    [yaw, pitch] = [toYaw, Math.max(-1.4, Math.min(1.4, toPitch))];
    turn(mapCamera(yaw, pitch));
  };
  show();
  for (const plot of plots) {
    const follow = (change) => {
      const camera = change["scene.camera"];
      if (!camera || JSON.stringify(camera.eye) === last) return; // or the other one's answer
      const { x, y, z } = camera.eye;
      [yaw, pitch] = [Math.atan2(x, z), Math.asin(y / Math.hypot(x, y, z))];
      turn(camera, plot);
    };
    plot.on("plotly_relayouting", follow);
    plot.on("plotly_relayout", follow); // the last step of a drag is only told here
    plot.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!move) return;
      event.preventDefault();
      face(yaw - move[0] * STEP, pitch - move[1] * STEP);
    });
  }
  for (const button of document.querySelectorAll("[data-yaw]")) {
    button.addEventListener("click", () => face((-Number(button.dataset.yaw) * Math.PI) / 180, 0));
  }
  for (const select of [person, subset, ...selects]) select.addEventListener("change", show);
  for (const thumb of document.querySelectorAll(".thumb")) {
    thumb.addEventListener("click", () => {
      person.value = thumb.dataset.person;
      selects[0].value = thumb.dataset.method;
      show();
    });
  }
  schemes.addEventListener("change", show);
}

if (data.maps) {
  if (hasWebGL()) makeViewer(data.maps);
  else {
    document.getElementById("maps").classList.add("still");
    document.getElementById("no-webgl").hidden = false;
  }
}
