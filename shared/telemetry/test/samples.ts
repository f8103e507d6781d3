/** The name of a sample with labels, as in `readSamples()`, in the order of the text. */
export function series(name: string, labels: object): string {
  return `${name}{${
    Object.entries(labels).map(([label, value]) => `${label}="${value}"`).join(",")
  }}`;
}

/** Names and types of the families in a text in the format of Prometheus. */
export function readFamilies(text: string): Map<string, string> {
  const types = text.matchAll(/^# TYPE (\S+) (\S+)$/gm);
  return new Map(Array.from(types, ([, name = "", type = ""]) => [name, type]));
}
