// Which thumbnail answers a request: a few dozen sizes at most, so that nobody can make a file's thumbnails without end
// (client-server API, "Thumbnails").

export interface ThumbnailWish {
  readonly width: number;
  readonly height: number;
  readonly method: 'crop' | 'scale';
  readonly animated: boolean;
}

export interface ThumbnailVariant extends ThumbnailWish {
  /** Under this name it is stored. */
  readonly key: string;
}

const SCALED = [
  [32, 32],
  [96, 96],
  [320, 240],
  [640, 480],
  [800, 600],
  [1600, 1200],
] as const;

/** Longer sides of cropped ones. */
const SIDES = [32, 96, 240, 320, 480, 640, 800, 1600] as const;
/** The shapes they have, as width to height. */
const SHAPES = [1, 4 / 3, 3 / 4, 3 / 2, 2 / 3, 16 / 9, 9 / 16, 2, 1 / 2] as const;

/** The smallest size that covers the wish, or null where the file itself is what covers it. */
export function variantFor(wish: ThumbnailWish): ThumbnailVariant | null {
  const size = wish.method === 'crop' ? croppedSize(wish) : scaledSize(wish);
  if (size === null) return null;
  const [width, height] = size;
  const { method, animated } = wish;
  return { width, height, method, animated, key: `${width}x${height}-${method}${animated ? '-animated' : ''}` };
}

type Size = readonly [width: number, height: number];

function scaledSize({ width, height }: ThumbnailWish): Size | null {
  return SCALED.find(([w, h]) => w >= width && h >= height) ?? null;
}

function croppedSize({ width, height }: ThumbnailWish): Size | null {
  const wanted = Math.log(width / height);
  const shape = SHAPES.reduce((best, candidate) =>
    Math.abs(Math.log(candidate) - wanted) < Math.abs(Math.log(best) - wanted) ? candidate : best,
  );
  for (const side of SIDES) {
    const size: Size = shape >= 1 ? [side, Math.round(side / shape)] : [Math.round(side * shape), side];
    if (size[0] >= width && size[1] >= height) return size;
  }
  return null;
}
