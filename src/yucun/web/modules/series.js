// The interactive twin of a series, drawn only when it comes into sight; the still drawing remains for print and without scripts.
import { colour, drawWhenSeen, load } from "./drawing.js";

async function draw(figure) {
  const echarts = await load();
  const rows = JSON.parse(figure.dataset.series);
  const words = rows.map(([label]) => label[figure.dataset.language]);
  const box = figure.querySelector("[data-live]");
  box.hidden = false;
  figure.querySelector(".still").setAttribute("hidden", "");
  const chart = echarts.init(box, null, { renderer: "svg" });
  const decimals = Number(figure.dataset.decimals);
  const quiet = colour("--quiet");
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: colour("--sans") },
    grid: { left: 56, right: 24, top: 16, bottom: 56 },
    tooltip: { trigger: "axis", renderMode: "richText", formatter: ([p]) => `${words[p.dataIndex]}\n${rows[p.dataIndex][2]} ${figure.dataset.unit}` },
    dataZoom: [{ type: "inside" }],
    xAxis: { type: "category", data: words, axisLabel: { color: quiet }, axisLine: { lineStyle: { color: colour("--line") } } },
    yAxis: { type: "value", scale: true, axisLabel: { color: quiet, formatter: (n) => n.toFixed(decimals) }, splitLine: { lineStyle: { color: colour("--line") } } },
    series: [{ type: "line", data: rows.map((row) => row[1]), symbolSize: 9, label: { show: true, color: quiet, formatter: (p) => rows[p.dataIndex][2] }, lineStyle: { color: colour("--lake") }, itemStyle: { color: colour("--lake") } }],
  });
  new ResizeObserver(() => chart.resize()).observe(box);
}

drawWhenSeen("series", draw);
