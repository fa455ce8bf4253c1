/**
 * chain8 with user functions of a realistic size: checks, rates, calendars, fares. V8 inlines a function of at most 460
 * bytes of bytecode, and at most 920 bytes into one function altogether (--max-inlined-bytecode-size, ...-cumulative):
 * not all eight fit, neither here nor by hand.
 *
 * Bytes of bytecode, Node 24.21: checked 311, withSpeed 228, isBillable 308, withCalendar 308, withFare 344,
 * withDiscount 259, withShares 255, entry 275. Seen with
 *   npx node --print-bytecode --expose-gc bench/one.ts core chain8-large '{"runs":1}' |
 *     grep -A3 "for function: checked " | grep length
 */
import { forEach, fromIterable, pipeline } from "../../src/index.ts";
import { compared, type Outcome, type Settings } from "../benchmark.ts";
import { compare } from "../compare.ts";

interface Trip {
  readonly id: number;
  readonly rider: number;
  readonly driver: number;
  readonly meters: number;
  readonly seconds: number;
  readonly startedAt: number;
  readonly rating: number;
}

function checked(t: Trip) {
  const problems =
    (t.meters < 0 || t.meters > 500_000 ? 1 : 0) +
    (t.seconds <= 0 || t.seconds > 86_400 ? 2 : 0) +
    (t.rating < 0 || t.rating > 5 ? 4 : 0) +
    (t.rider === t.driver ? 8 : 0);
  let meters = t.meters;
  if (problems & 1) meters = Math.min(Math.max(meters, 0), 500_000);
  let seconds = t.seconds;
  if (problems & 2) seconds = Math.min(Math.max(seconds, 1), 86_400);
  const rating = problems & 4 ? 3 : t.rating;
  return {
    id: t.id,
    rider: t.rider,
    driver: t.driver,
    meters,
    seconds,
    startedAt: t.startedAt,
    rating,
    problems,
  };
}

function withSpeed(t: ReturnType<typeof checked>) {
  const kmh = (t.meters * 36) / (t.seconds * 10);
  let band = 0;
  if (kmh > 120) band = 5;
  else if (kmh > 80) band = 4;
  else if (kmh > 50) band = 3;
  else if (kmh > 30) band = 2;
  else if (kmh > 10) band = 1;
  const crawl = t.meters < 1000 && t.seconds > 1200;
  const sprint = t.meters > 20_000 && band >= 4;
  return {
    trip: t.id,
    rider: t.rider,
    driver: t.driver,
    meters: t.meters,
    minutes: t.seconds / 60,
    startedAt: t.startedAt,
    band: crawl ? 0 : sprint ? 5 : band,
    rating: t.rating,
    dubious: t.problems !== 0,
  };
}

function isBillable(t: ReturnType<typeof withSpeed>): boolean {
  if (t.dubious && t.rating < 2) return false;
  if (t.minutes < 1 && t.meters < 100) return false;
  if (t.meters === 0) return false;
  const perMinute = t.meters / t.minutes;
  if (perMinute > 4000) return false;
  if (t.band === 0 && t.minutes > 180) return false;
  if (t.band === 5 && t.minutes < 2) return false;
  let score = t.rating * 2;
  if (t.meters > 1000) score += 1;
  if (t.meters > 5000) score += 1;
  if (t.meters > 20_000) score += 2;
  if (t.minutes > 10) score += 1;
  if (t.minutes > 60) score -= 1;
  if (t.rider < 10) score += 5;
  if (t.driver < 10) score += 5;
  if ((t.rider ^ t.driver) === 1) score -= 4;
  return score > 1;
}

function withCalendar(t: ReturnType<typeof withSpeed>) {
  const day = Math.floor(t.startedAt / 86_400_000);
  const minuteOfDay = Math.floor((t.startedAt - day * 86_400_000) / 60_000);
  const weekday = (((day + 4) % 7) + 7) % 7;
  const weekend = weekday === 0 || weekday === 6;
  let slot = 0;
  if (minuteOfDay >= 300 && minuteOfDay < 420) slot = 1;
  else if (minuteOfDay >= 420 && minuteOfDay < 570) slot = weekend ? 1 : 2;
  else if (minuteOfDay >= 570 && minuteOfDay < 960) slot = 3;
  else if (minuteOfDay >= 960 && minuteOfDay < 1140) slot = weekend ? 3 : 4;
  else if (minuteOfDay >= 1140 && minuteOfDay < 1380) slot = 5;
  return {
    day,
    weekday,
    slot,
    no: t.trip,
    rider: t.rider,
    driver: t.driver,
    meters: t.meters,
    minutes: t.minutes,
    band: t.band,
  };
}

function withFare(t: ReturnType<typeof withCalendar>) {
  let perKm = 110;
  if (t.slot === 0) perKm = 160;
  else if (t.slot === 2 || t.slot === 4) perKm = 140;
  else if (t.slot === 5) perKm = 125;
  if (t.weekday === 0) perKm += 15;
  else if (t.weekday === 6) perKm += 10;
  const km = t.meters / 1000;
  let cents = 350 + perKm * Math.min(km, 10);
  if (km > 10) cents += (perKm - 20) * Math.min(km - 10, 40);
  if (km > 50) cents += (perKm - 40) * (km - 50);
  cents += t.minutes * (t.band <= 1 ? 40 : 25);
  if (cents < 500) cents = 500;
  return {
    cents: Math.round(cents),
    night: t.slot === 0,
    day: t.day,
    no: t.no,
    rider: t.rider,
    driver: t.driver,
    km,
  };
}

function withDiscount(t: ReturnType<typeof withFare>) {
  const club = t.rider % 10;
  let percent = 0;
  if (club === 7) percent = 10;
  else if (club === 8) percent = 15;
  else if (club === 9) percent = 20;
  if (t.night && percent > 0) percent -= 5;
  if (t.km > 30 && percent < 15) percent += 5;
  if (t.day % 28 === 0) percent += 10;
  const off = Math.floor((t.cents * percent) / 100);
  const capped = off > 2000 ? 2000 : off;
  const due = t.cents - capped;
  return {
    due,
    saved: capped,
    reason: percent === 0 ? 0 : club >= 7 ? 1 : t.km > 30 ? 2 : 3,
    payer: t.rider,
    payee: t.driver,
    no: t.no,
    day: t.day,
  };
}

function withShares(t: ReturnType<typeof withDiscount>) {
  const grade = t.payee % 5;
  let permille = 780;
  if (grade === 0) permille = 820;
  else if (grade === 1) permille = 800;
  else if (grade === 4) permille = 750;
  if (t.due < 800) permille += 20;
  if (t.due > 5000) permille -= 10;
  if (t.reason === 1) permille += 5;
  const gross = t.due + t.saved;
  const driverShare = Math.floor((gross * permille) / 1000);
  const house = t.due - driverShare;
  const tax = house > 0 ? Math.round((house * 19) / 119) : 0;
  return { driverShare, house: house - tax, tax, payer: t.payer, payee: t.payee, no: t.no, due: t.due };
}

function entry(t: ReturnType<typeof withShares>) {
  const account = 10_000 + (t.payee % 9000);
  const sign = t.house < 0 ? -1 : 1;
  const size = t.house < 0 ? -t.house : t.house;
  let group = 0;
  if (size >= 10_000) group = 5;
  else if (size >= 5000) group = 4;
  else if (size >= 1000) group = 3;
  else if (size >= 500) group = 2;
  else if (size >= 100) group = 1;
  let check = (t.no * 7 + account * 3 + t.due) % 97;
  if (check < 0) check += 97;
  if (check === 0) check = 97;
  const balanced = t.driverShare + t.house + t.tax - t.due === 0;
  return { account, sign, group, check, value: t.driverShare + sign * size + t.tax, balanced };
}

const DISTINCT = 1_000_000;
const PASSES = 3;

export async function chain8Large({ runs }: Settings): Promise<Outcome> {
  const distinct = Array.from(
    { length: DISTINCT },
    (_, i): Trip => ({
      id: i,
      rider: (i * 7919) % 100_003,
      driver: (i * 104_729) % 9973,
      meters: (i * 31_337) % 60_000,
      seconds: 30 + ((i * 48_271) % 7200),
      startedAt: Date.UTC(2026, 0, 1) + i * 1000,
      rating: i % 6,
    }),
  );
  const records: Trip[] = [];
  for (let pass = 0; pass < PASSES; pass++) for (const trip of distinct) records.push(trip);

  let n = 0;
  let sum = 0;
  const take = (r: ReturnType<typeof entry>): void => {
    n += 1;
    sum += r.value + r.check + r.group + (r.account & 7) + (r.balanced ? 1 : 0);
  };
  const result = () => {
    const taken = { n, sum };
    n = sum = 0;
    return taken;
  };

  const ours = async () => {
    const app = pipeline("chain8-large");
    app
      .source(fromIterable(records))
      .map(checked)
      .map(withSpeed)
      .filter(isBillable)
      .map(withCalendar)
      .map(withFare)
      .map(withDiscount)
      .map(withShares)
      .map(entry)
      .to(forEach(take));
    await app.run();
    return result();
  };

  const plain = () => {
    for (let i = 0; i < records.length; i++) {
      const trip = withSpeed(checked(records[i]));
      if (!isBillable(trip)) continue;
      take(entry(withShares(withDiscount(withFare(withCalendar(trip))))));
    }
    return result();
  };

  return compared(await compare({ records: records.length, ours, byHand: { plain } }, runs));
}
