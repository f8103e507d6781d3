console.log(((c) => c.user + c.system)(process.cpuUsage()) / 1000, process.memoryUsage().rss / 1e6);
