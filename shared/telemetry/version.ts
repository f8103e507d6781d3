import release from "../../package.json" with { type: "json" };

/** Of the whole project, as package.json says it; part of the source, so that nothing is read. */
export const VERSION: string = release.version;
