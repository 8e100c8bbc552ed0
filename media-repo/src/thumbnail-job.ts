// What goes between the media process and a process that decodes pictures.

export interface ThumbnailJob {
  readonly bytes: Uint8Array;
  readonly maxPixels: number;
  /** Null: only look at the picture. */
  readonly variant: {
    readonly width: number;
    readonly height: number;
    readonly crop: boolean;
    readonly animated: boolean;
  } | null;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly isAnimated: boolean;
}

export type ThumbnailOutcome =
  | { readonly kind: 'made'; readonly bytes: Uint8Array; readonly type: string }
  | { readonly kind: 'seen'; readonly picture: Picture; readonly blurhash: string }
  /** The picture is no larger than what was asked for. */
  | { readonly kind: 'original' }
  | { readonly kind: 'tooManyPixels' }
  | { readonly kind: 'undecodable' };
