// @ts-check
// From the service's bins, which every layer has its own, to bins that all panels of an axis share.
import { HISTOGRAMS } from "./drawing.js";

export const BINS = HISTOGRAMS.bins;
// Narrower than this, in common bins, a bin of the service's is one value: an overlap would be lost in rounding.
const NARROW = 1e-6;

/** Return the share of values in each common bin, and beyond them; undefined where the layer has none. */
export function rebinned({ histogram, zeros }, [low, high]) {
  if (!histogram) return undefined;
  const { edges, counts } = histogram;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const width = (high - low) / BINS;
  const placeOf = (value) => (value - low) / width;
  const shares = Array(BINS).fill(0);
  // The zeros of relu are one value, which a wide bin of the service's would smear.
  const apart = low <= 0 && high >= 0 ? zeros : 0;
  if (apart > 0) shares[binAt(placeOf(0))] += apart;
  const zeroPlace = Math.min(counts.length - 1, edges.findLastIndex((edge) => edge <= 0));
  counts.forEach((all, index) => {
    const share = (index === zeroPlace ? Math.max(0, all - apart * total) : all) / total;
    spread(shares, share, placeOf(edges[index]), placeOf(edges[index + 1]));
  });
  return { shares, beyond: Math.max(0, 1 - shares.reduce((sum, share) => sum + share, 0)) };
}

const binAt = (place) => Math.min(BINS - 1, Math.max(0, Math.floor(place)));

/** Add a share to the bins between two places, as far as they are bins. */
function spread(shares, share, from, to) {
  if (share === 0 || to < 0 || from > BINS) return;
  if (to - from < NARROW) {
    shares[binAt((from + to) / 2)] += share;
    return;
  }
  for (let bin = binAt(from); bin <= binAt(to); bin += 1) {
    const overlap = Math.min(to, bin + 1) - Math.max(from, bin);
    shares[bin] += share * (Math.max(0, overlap) / (to - from));
  }
}
