/**
 * Eight stateless operators, seven maps and a filter, over eight object shapes. By hand: one loop that calls the same
 * functions and the same callback.
 */
import { forEach, fromIterable, pipeline } from "../../src/index.ts";
import { compared, type Outcome, type Settings } from "../benchmark.ts";
import { compare } from "../compare.ts";

interface Order {
  readonly id: number;
  readonly user: number;
  readonly price: number;
  readonly quantity: number;
}

const withTotal = (o: Order) => ({ order: o.id, user: o.user, total: o.price * o.quantity });
const isWorthIt = (o: { total: number }): boolean => o.total > 40;
const withTax = (o: { order: number; user: number; total: number }) => ({
  net: o.total,
  tax: (o.total * 19) / 100,
  user: o.user,
  order: o.order,
});
const gross = (o: { net: number; tax: number; user: number; order: number }) => ({
  cents: Math.round(o.net + o.tax),
  buyer: o.user,
  no: o.order,
});
const withRegion = (o: { cents: number; buyer: number; no: number }) => ({
  region: o.buyer & 7,
  buyer: o.buyer,
  cents: o.cents,
  no: o.no,
});
const withFee = (o: { region: number; buyer: number; cents: number; no: number }) => ({
  fee: o.region < 4 ? 3 : 5,
  amount: o.cents,
  who: o.buyer,
  at: o.region,
  no: o.no,
});
const paid = (o: { fee: number; amount: number; who: number; at: number; no: number }) => ({
  pays: o.amount + o.fee,
  who: o.who,
  at: o.at,
  no: o.no,
});
const receipt = (o: { pays: number; who: number; at: number; no: number }) => ({
  key: o.who * 8 + o.at,
  value: o.pays,
  no: o.no,
});

const DISTINCT = 1_000_000;
const PASSES = 8;

export async function chain8({ runs }: Settings): Promise<Outcome> {
  const distinct = Array.from(
    { length: DISTINCT },
    (_, i): Order => ({ id: i, user: (i * 7919) % 10_007, price: (i * 31) % 100, quantity: 1 + (i % 5) }),
  );
  const records: Order[] = [];
  for (let pass = 0; pass < PASSES; pass++) for (const order of distinct) records.push(order);

  let n = 0;
  let sum = 0;
  const take = (r: { key: number; value: number; no: number }): void => {
    n += 1;
    sum += r.value + (r.key & 15) + (r.no & 3);
  };
  const result = () => {
    const taken = { n, sum };
    n = sum = 0;
    return taken;
  };

  const ours = async () => {
    const app = pipeline("chain8");
    app
      .source(fromIterable(records))
      .map(withTotal)
      .filter(isWorthIt)
      .map(withTax)
      .map(gross)
      .map(withRegion)
      .map(withFee)
      .map(paid)
      .map(receipt)
      .to(forEach(take));
    await app.run();
    return result();
  };

  const plain = () => {
    for (let i = 0; i < records.length; i++) {
      const total = withTotal(records[i]);
      if (!isWorthIt(total)) continue;
      take(receipt(paid(withFee(withRegion(gross(withTax(total)))))));
    }
    return result();
  };

  return compared(await compare({ records: records.length, ours, byHand: { plain } }, runs));
}
