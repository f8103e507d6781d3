import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const POM = fileURLToPath(new URL("pom.xml", import.meta.url));
/** Contains the version, so that a new version is downloaded. */
const JARS_FOLDER = "kafka-4.4.0-jars";
const COPY_DEPENDENCIES =
  "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/** The minimum version for Apache Kafka 4. */
const JAVA_MIN = 17;

/** Returns why no broker can run on this machine; undefined if one can. */
export function whyNoKafka(cacheDirectory: string): string | undefined {
  const { status, stderr } = spawnSync("java", ["-version"], { encoding: "utf8" });
  if (status !== 0) return `Java ${JAVA_MIN} or newer is not installed`;
  const version = Number(/version "([0-9]+)/.exec(stderr)?.[1]);
  if (version < JAVA_MIN) return `Java ${version} is installed, ${JAVA_MIN} or newer is required`;
  if (existsSync(join(cacheDirectory, JARS_FOLDER)) || runs("mvn", "--version")) return undefined;
  return "Maven (mvn), which downloads Apache Kafka, is not installed";
}

function runs(command: string, argument: string): boolean {
  return spawnSync(command, [argument], { stdio: "ignore" }).status === 0;
}

/**
 * The folder with the broker's jars, downloaded by Maven (65 MB) if missing.
 * @throws {Error} if Maven fails
 */
export async function kafkaJars(cacheDirectory: string): Promise<string> {
  const jars = join(cacheDirectory, JARS_FOLDER);
  if (existsSync(jars)) return jars;
  mkdirSync(cacheDirectory, { recursive: true });
  // Renamed when complete, so that a killed run leaves no partial folder.
  const unfinished = `${jars}.${process.pid}`;
  const args = ["-B", "-q", "-ntp", "-f", POM, COPY_DEPENDENCIES, "-DincludeScope=runtime"];
  const maven = spawn("mvn", [...args, `-DoutputDirectory=${unfinished}`], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = await once(maven, "exit") as [number | null];
  if (code !== 0) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new Error(`Cannot download Apache Kafka: mvn ended with ${code ?? "a signal"}`);
  }
  renameSync(unfinished, jars);
  return jars;
}
