/** Rows as three jobs would keep them: sessions with their accumulators, users, carts. */
import { type Schema, t } from "../../src/schema/schema.ts";
import { randomFrom } from "../random.ts";

export interface Table {
  readonly rows: readonly unknown[];
  readonly schema: Schema<any>;
  /** A number out of a row, so that no decoded row goes unused. */
  readonly check: (row: any) => number;
}

const BEGIN = Date.UTC(2026, 0, 1);
const PAGES = ["/", "/cart", "/search", "/product/42", "/checkout"];
const COUNTRIES = ["DE", "FR", "US", "JP"];
const CITIES = ["Berlin", "Kraków", "Lyon", "Porto"];

export function tables(rows: number): readonly Table[] {
  const random = randomFrom(1);
  const below = (n: number): number => Math.floor(random() * n);
  const cents = (n: number): number => below(n * 100) / 100;
  const list = (make: (i: number) => unknown): readonly unknown[] =>
    Array.from({ length: rows }, (_, i) => make(i));

  const span = t.object({ start: t.number, end: t.number });
  const page = () => PAGES[below(PAGES.length)];
  const sessions: Table = {
    rows: list(() => {
      const at = BEGIN + below(1e9);
      const cell = {
        count: below(100),
        total: cents(1000),
        first: at,
        last: page(),
        pages: [page(), page()],
      };
      const live = { start: at, end: at + 60_000 + below(1e6), panes: 0, fired: false, out: [], cell };
      return { armed: live.end + 1, sessions: [live] };
    }),
    schema: t.object({
      armed: t.number,
      sessions: t.array(
        t.object({
          start: t.number,
          end: t.number,
          panes: t.number,
          fired: t.boolean,
          out: t.array(span),
          cell: t.object({
            count: t.number,
            total: t.number,
            first: t.number,
            last: t.string,
            pages: t.array(t.string),
          }),
        }),
      ),
    }),
    check: (row) => row.sessions[0].cell.count + row.sessions[0].cell.pages.length,
  };
  const users: Table = {
    rows: list(() => ({
      user: `user-${below(1e6)}`,
      country: COUNTRIES[below(4)],
      plan: random() < 0.2 ? "pro" : "free",
      visits: below(1000),
      spent: cents(10_000),
      lastSeen: BEGIN + below(1e9),
      tags: ["newsletter", "vip"].slice(below(3)),
      address: {
        city: CITIES[below(4)],
        zip: `${10_000 + below(90_000)}`,
        lat: 50 + random(),
        lon: 19 + random(),
      },
      churned: false,
      note: random() < 0.1 ? "called twice, wants an invoice with the old address" : null,
    })),
    schema: t.object({
      user: t.string,
      country: t.string,
      plan: t.enum("pro", "free"),
      visits: t.number,
      spent: t.number,
      lastSeen: t.number,
      tags: t.array(t.string),
      address: t.object({ city: t.string, zip: t.string, lat: t.number, lon: t.number }),
      churned: t.boolean,
      note: t.nullable(t.string),
    }),
    check: (row) => row.visits + row.address.city.length,
  };
  const item = () => ({ sku: `sku-${below(1000)}`, quantity: 1 + below(4), price: cents(100) });
  const carts: Table = {
    rows: list((i) => ({
      cart: { id: `c-${i}`, items: Array.from({ length: 1 + below(3) }, item), coupon: null },
      at: BEGIN + below(1e9),
      status: random() < 0.5 ? "open" : "paid",
    })),
    schema: t.object({
      cart: t.object({
        id: t.string,
        items: t.array(t.object({ sku: t.string, quantity: t.number, price: t.number })),
        coupon: t.nullable(t.string),
      }),
      at: t.number,
      status: t.enum("open", "paid"),
    }),
    check: (row) => row.cart.items[0].quantity + row.status.length,
  };
  return [sessions, users, carts];
}
