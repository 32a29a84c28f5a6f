"use strict";
// Cumulative error curves, side by side or, on a narrow screen, below each other.
function curveTraces({ step, panels, focus }) {
  const seen = new Set();
  return panels.flatMap(({ series }, panel) =>
    series.flatMap(({ name, label, color: own, dash, width, values, low, high }) => {
      const first = !seen.has(name);
      seen.add(name);
      const axis = panel ? String(panel + 1) : "";
      const place = { type: "scatter", mode: "lines", legendgroup: name, x0: 0, dx: step, xaxis: `x${axis}`, yaxis: `y${axis}` };
      const edge = { ...place, showlegend: false, hoverinfo: "skip", line: { width: 0 } };
      const band = name === focus && low.length && own
        ? [{ ...edge, y: low }, { ...edge, y: high, fill: "tonexty", fillcolor: `${own}30` }] : [];
      return [...band, {
        ...place, name: plain(label), showlegend: first, y: values,
        line: { color: own || color("--text"), dash, width },
        text: values.map((_, each) => (low.length ? ` [${low[each].toFixed(1)}, ${high[each].toFixed(1)}]` : "")),
        hovertemplate: "%{y:.1f} %%{text}",
      }];
    }));
}

function curveLayout({ limit, panels }) {
  const [count, gap] = [panels.length, 0.06];
  const grid = { gridcolor: color("--line"), zeroline: false, linecolor: color("--soft"), ticks: "outside", tickcolor: color("--line") };
  const layout = {
    font: { color: color("--text"), family: getComputedStyle(document.body).fontFamily, size: 13 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", dragmode: false,
    hovermode: "x unified", hoverlabel: { bgcolor: color("--back"), bordercolor: color("--line"), font: { color: color("--text"), size: 12 } },
    legend: { orientation: "h", y: narrow.matches ? -0.1 : -0.16, x: 0 },
    margin: { l: 52, r: 8, t: 34, b: 40 }, annotations: [],
  };
  panels.forEach(({ title }, panel) => {
    const axis = panel ? String(panel + 1) : "";
    const part = [panel / count + (panel ? gap / 2 : 0), (panel + 1) / count - (panel < count - 1 ? gap / 2 : 0)];
    const across = narrow.matches ? [0, 1] : part;
    const low = 1 - (panel + 1) / count;
    const down = narrow.matches ? [low, low + 1 / count - (panel ? 0.13 : 0)] : [0, 1];
    layout[`xaxis${axis}`] = { ...grid, domain: across, anchor: `y${axis}`, range: [0, limit], title: { text: narrow.matches && panel < count - 1 ? "" : "distance to the reconstruction (mm)", font: { size: 13 }, standoff: 8 }, hoverformat: ".2f", ticksuffix: "", unifiedhovertitle: { text: "within %{x:.2f} mm" } };
    layout[`yaxis${axis}`] = { ...grid, domain: down, anchor: `x${axis}`, range: [0, 101], title: { text: panel && !narrow.matches ? "" : "scan points (%)", font: { size: 13 }, standoff: 6 } };
    layout.annotations.push({ text: `<b>${plain(title)}</b>`, showarrow: false, xref: "paper", yref: "paper", x: across[0], y: down[1], xanchor: "left", yanchor: "bottom", yshift: 6 });
  });
  return layout;
}

function curveTable({ step, panels }) {
  const places = [0.5, 1, 1.5, 2, 3];
  const head = element("tr", {}, element("th", { scope: "col" }, "Method"));
  const methods = new Map();
  for (const { title, series } of panels) {
    for (const mm of places) head.append(element("th", { scope: "col" }, `${title}, ${mm} mm`));
    for (const { name, label } of series) methods.set(name, label);
  }
  const rows = [...methods].map(([name, label]) => {
    const row = element("tr", {}, element("th", { scope: "row" }, label));
    for (const { series } of panels) {
      const values = series.find((each) => each.name === name)?.values;
      for (const mm of places) row.append(element("td", {}, values ? `${values[Math.round(mm / step)].toFixed(1)} %` : "—"));
    }
    return row;
  });
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
}

if (data.curves) {
  const plot = document.getElementById("curve-plot");
  const draw = () => Plotly.react(plot, curveTraces(data.curves), curveLayout(data.curves), { responsive: true, displayModeBar: false });
  draw();
  for (const change of [schemes, narrow]) change.addEventListener("change", draw);
  document.getElementById("curve-values").append(curveTable(data.curves));
}
