const t = performance.now();
const m0 = process.memoryUsage().rss;
await import(process.argv[2]);
const c = process.cpuUsage();
console.log(
  process.argv[2],
  "cpu " + ((c.user + c.system) / 1000).toFixed(0) + "ms wall",
  (performance.now() - t).toFixed(0) + "ms",
  ((process.memoryUsage().rss - m0) / 1e6).toFixed(0) + "MB",
);
