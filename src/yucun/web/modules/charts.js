// The interactive twins of bars and places; the still drawings remain for print, for readers and without scripts.
import { colour, drawWhenSeen, load } from "./drawing.js";

function frame(names, rows) {
  const quiet = colour("--quiet");
  return {
    animation: false,
    textStyle: { fontFamily: colour("--sans") },
    grid: { left: 8, right: 64, top: 8, bottom: 24, containLabel: true },
    yAxis: { type: "category", inverse: true, data: names, axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: (name) => (rows[names.indexOf(name)]?.[3] ? colour("--ink") : quiet) } },
    xAxis: { type: "value", axisLabel: { color: quiet }, splitLine: { lineStyle: { color: colour("--line") } } },
  };
}

function bars(names, rows, unit) {
  return {
    ...frame(names, rows),
    tooltip: { trigger: "item", renderMode: "richText", formatter: (p) => `${names[p.dataIndex]}\n${rows[p.dataIndex][2]} ${unit}` },
    series: [{ type: "bar", barMaxWidth: 12, data: rows.map((row) => ({ value: row[1], itemStyle: { color: colour(row[3] ? "--green" : "--bar") } })), label: { show: true, position: "right", color: colour("--quiet"), formatter: (p) => rows[p.dataIndex][2] } }],
  };
}

function places(names, rows) {
  const shape = frame(names, rows);
  const last = Math.max(...rows.map((row) => row[5]));
  return {
    ...shape,
    xAxis: { ...shape.xAxis, min: 0, max: last + 1, interval: 1, axisLabel: { color: colour("--quiet"), showMinLabel: false, showMaxLabel: false } },
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, renderMode: "richText", formatter: ([p]) => `${names[p.dataIndex]}  ${rows[p.dataIndex][2]}\n${rows[p.dataIndex][4]} – ${rows[p.dataIndex][5]}` },
    series: [
      { type: "bar", stack: "place", silent: true, barWidth: 6, itemStyle: { color: "transparent" }, data: rows.map((row) => row[4]) },
      { type: "bar", stack: "place", barWidth: 6, barMinHeight: 2, data: rows.map((row) => ({ value: row[5] - row[4], itemStyle: { color: colour(row[3] ? "--green" : "--bar"), opacity: row[3] ? 0.45 : 1 } })) },
      { type: "scatter", symbolSize: 11, data: rows.map((row, at) => ({ value: [row[1], at], itemStyle: { color: colour(row[3] ? "--green" : "--edge") } })) },
    ],
  };
}

async function draw(box) {
  const echarts = await load();
  const rows = JSON.parse(box.dataset.chart);
  const names = rows.map(([label]) => label[box.dataset.language]);
  const live = box.querySelector("[data-live]");
  const still = box.querySelector(".still");
  live.hidden = false;
  live.setAttribute("aria-hidden", "true");
  const around = box.querySelector(".live-figure");
  if (around) around.hidden = false;
  still.classList.add("only-heard");
  const chart = echarts.init(live, null, { renderer: "svg" });
  chart.setOption(box.dataset.kind === "places" ? places(names, rows) : bars(names, rows, box.dataset.unit));
  new ResizeObserver(() => chart.resize()).observe(live);
}

drawWhenSeen("chart", draw);
