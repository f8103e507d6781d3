import { Loop } from "../../shared/async/loop.ts";
import { systemClock } from "../../shared/async/request-context.ts";
import { createDirectFetch } from "../../shared/http-client/direct-fetch.ts";
import { readSamples } from "../../shared/telemetry/samples.ts";
import { type Charts, SCRAPED_SERVICES, type ScrapedService } from "./charts.ts";

const INTERVAL_MS = 2_000;
/** loms waits up to a second for its database. */
const TIMEOUT_MS = 1_800;

const directFetch = createDirectFetch();

export type ScrapedUrls = Readonly<Partial<Record<ScrapedService, string | undefined>>>;

/** Scrapes each service every two seconds and adds the samples to the charts. */
export class Scraping {
  readonly #charts: Charts;
  readonly #loop: Loop;
  #urls: ScrapedUrls = {};
  readonly #answering = new Set<ScrapedService>();

  constructor(charts: Charts) {
    this.#charts = charts;
    this.#loop = new Loop({
      clock: systemClock,
      step: async () => {
        await Promise.all(SCRAPED_SERVICES.map((service) => this.#scrape(service)));
        return INTERVAL_MS;
      },
      onError: () => {},
      backoffMs: INTERVAL_MS,
    });
  }

  start(urls: ScrapedUrls): void {
    this.#urls = urls;
    this.#loop.start();
  }

  close(): Promise<void> {
    return this.#loop.close();
  }

  /** Whether each service answered the last scrape. */
  services(): { name: string; answers: boolean }[] {
    return SCRAPED_SERVICES.filter((name) => this.#urls[name])
      .map((name) => ({ name, answers: this.#answering.has(name) }));
  }

  async #scrape(service: ScrapedService): Promise<void> {
    const url = this.#urls[service];
    if (!url) return;
    const at = Date.now();
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await directFetch(`${url}/metrics`, { signal });
      this.#charts.add(service, at, readSamples(await response.text()));
      this.#answering.add(service);
    } catch {
      this.#charts.add(service, at, undefined);
      this.#answering.delete(service);
    }
  }
}
