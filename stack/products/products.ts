import type { z } from "zod";
import { getProductResponse, type Product } from "../../proto/product-service.ts";
import { ServiceRefusal } from "./refusal.ts";

/** By SKU, ascending. */
export const PRODUCTS: ReadonlyMap<number, Product> = new Map([
  [1002, { name: "Блокнот в клетку, 96 листов", price: 189 }],
  [1003, { name: "Набор гелевых ручек, 12 цветов", price: 349 }],
  [1004, { name: "Кружка керамическая «Утро»", price: 590 }],
  [1005, { name: "Термос стальной, 750 мл", price: 1490 }],
  [1076963, { name: "Теория нравственных чувств | Смит Адам", price: 3379 }],
  [1148162, { name: "Кулинар Гуров", price: 2931 }],
  [1625903, { name: "Чай чёрный листовой, 200 г", price: 312 }],
  [2618151, { name: "Пора снимать бикини", price: 452 }],
  [2956315, { name: "Eloy. Time To Turn", price: 3130 }],
  [2958025, { name: "Roxy Music. Stranded. Remastered Edition", price: 1028 }],
  [3596599, { name: "Атлас звёздного неба", price: 1870 }],
  [3618852, { name: "Защитный код. Как выжить в нашем городе", price: 4645 }],
  [4288068, { name: "Собрание повестей в двух томах", price: 1215 }],
  [4465995, { name: "Краткая история мостов", price: 964 }],
  [5097510, { name: "Двенадцатый день Рождества", price: 2300 }],
  [30816475, { name: "Лампа настольная с зажимом", price: 2740 }],
  [135717466, { name: "Рюкзак городской, 22 л", price: 3990 }],
  [135937324, { name: "Наушники проводные", price: 1150 }],
  [139275865, { name: "Платье oodji Collection", price: 634 }],
  [139818428, { name: "Шарф шерстяной", price: 1760 }],
  [139819069, { name: "Перчатки для бега", price: 820 }],
  [773297411, { name: "Кроссовки Nike JORDAN", price: 2202 }],
]);

/** What `PUT /products/{sku}` takes; what is absent stays. */
export const productChange = getProductResponse.partial().strict();

interface Page {
  /** 0 begins with the first one. */
  readonly startAfterSku: number;
  readonly count: number;
}

/** The products of one stand-in: {@link PRODUCTS}, until they are changed. */
export class Catalogue {
  #products = PRODUCTS;

  /** @throws {ServiceRefusal} 404 */
  readonly getProduct = ({ sku }: { readonly sku: number }): Product => {
    const product = this.#products.get(sku);
    if (!product) throw new ServiceRefusal(404, `there is no sku ${sku}`);
    return product;
  };

  /** At most `count` SKUs above `startAfterSku`, ascending. */
  readonly listSkus = ({ startAfterSku, count }: Page): { readonly skus: readonly number[] } => {
    const skus = [...this.#products.keys()].filter((sku) => sku > startAfterSku);
    return { skus: skus.slice(0, count) };
  };

  /**
   * Changes a product, or adds one.
   * @throws {ServiceRefusal} 404 for a new SKU without name and price
   */
  change(sku: number, change: z.output<typeof productChange>): void {
    const { name, price } = { ...this.#products.get(sku), ...change };
    if (name === undefined || price === undefined) {
      throw new ServiceRefusal(404, `there is no sku ${sku}, and a new one has name and price`);
    }
    const changed = [...new Map(this.#products).set(sku, { name, price })];
    this.#products = new Map(changed.sort(([a], [b]) => a - b));
  }

  /** Undoes every change. */
  restore(): void {
    this.#products = PRODUCTS;
  }
}
