// Draws every chart in the colours of the reader's theme, and again when the theme changes.
"use strict";
(() => {
  const specs = document.getElementById("specs").textContent;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const font = getComputedStyle(document.body).fontFamily;
  let drawn = [];

  function config(colour) {
    return {
      background: "transparent",
      font,
      axis: { gridColor: colour("line"), domainColor: colour("line"), tickColor: colour("line"),
              labelColor: colour("soft"), labelFont: font, labelFontSize: 12, labelSeparation: 8 },
      axisY: { domain: false, ticks: false },
      axisX: { grid: false },
      axisXQuantitative: { grid: true, domain: false, ticks: false },
    };
  }

  async function draw() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue("--" + name).trim();
    const themed = JSON.parse(specs.replace(/"@([a-z0-9-]+)"/g, (_, name) => JSON.stringify(colour(name))));
    drawn.forEach((chart) => chart.finalize());
    const places = [...document.querySelectorAll("[data-chart]")];
    drawn = await Promise.all(places.map((place) => {
      const spec = themed[place.dataset.chart];
      spec.config = { ...config(colour), view: { stroke: null } };
      return vegaEmbed(place, spec, { mode: "vega-lite", renderer: "svg", actions: false, tooltip: { theme: "custom" } });
    }));
  }

  // Says when no chart is being drawn.
  const redraw = () => { document.drawing = draw(); };
  dark.addEventListener("change", redraw);
  redraw();
})();
