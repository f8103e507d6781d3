/** The samples of a text in the format of Prometheus, by name with labels as written. */
export function readSamples(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const at = line.lastIndexOf(" ");
    return [line.slice(0, at), Number(line.slice(at + 1))];
  }));
}

/** The name of a sample with labels, as in {@link readSamples}, in the order of the text. */
export function series(name: string, labels: object): string {
  return `${name}{${
    Object.entries(labels).map(([label, value]) => `${label}="${value}"`).join(",")
  }}`;
}

/** Names and types of the families in such a text. */
export function readFamilies(text: string): Map<string, string> {
  const types = text.matchAll(/^# TYPE (\S+) (\S+)$/gm);
  return new Map(Array.from(types, ([, name = "", type = ""]) => [name, type]));
}
