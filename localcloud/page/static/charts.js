// Draws the figures that the page carries, in the colours of the style sheet.
"use strict";
(() => {
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  const coloured = (trace) => {
    if (trace.meta === "scale") {
      return { ...trace, colorscale: [[0, colour("scale-low")], [1, colour("series-1")]] };
    }
    const own = colour(trace.meta);
    const marker = { ...trace.marker, color: own };
    if (marker.line) marker.line = { ...marker.line, color: own };
    return { ...trace, marker, line: { ...trace.line, color: own } };
  };

  const axis = (given) => ({
    ...given,
    automargin: true,
    gridcolor: colour("rule"),
    linecolor: colour("rule"),
    zerolinecolor: colour("rule"),
  });

  const draw = (figure) => {
    const plot = figure.querySelector(".plot");
    const { data, layout } = JSON.parse(figure.querySelector(".figure").textContent);
    plot.replaceChildren();
    return Plotly.newPlot(
      plot,
      data.map(coloured),
      {
        ...layout,
        xaxis: axis(layout.xaxis),
        yaxis: axis(layout.yaxis),
        height: 340,
        margin: { l: 48, r: 16, t: 16, b: 48 },
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        font: { color: colour("text"), family: "system-ui, sans-serif", size: 13 },
        legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
        hoverlabel: { font: { family: "system-ui, sans-serif" } },
      },
      { displayModeBar: false, responsive: true },
    );
  };

  const drawAll = () =>
    Promise.all([...document.querySelectorAll("figure.chart")].map(draw)).then(() => {
      document.documentElement.dataset.charts = "drawn";
    });

  drawAll();
  scheme.addEventListener("change", drawAll);
})();
