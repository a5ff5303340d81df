// SPDX-License-Identifier: Apache-2.0
import { runTool } from '../machines/run-tool.ts';
import type { Buildah } from './run-buildah.ts';

/** What an image says of itself. */
interface ImageConfig {
  readonly architecture: string;
  readonly config: {
    readonly User?: string;
    readonly Env?: readonly string[];
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[] | null;
    readonly Labels?: Readonly<Record<string, string>>;
  };
}

/** What an archive holds, each part named by the hash of its content. */
export interface ArchiveContent {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  /** The base's first. */
  readonly Layers: readonly string[];
}

/** An image whose files can be looked at. */
export interface OpenImage extends AsyncDisposable {
  readonly content: ArchiveContent;
  readonly config: ImageConfig;
  /** The configuration as it is stored, with the history of its layers. */
  readonly configText: string;
  /** Its root file system; what is written there ends with the scope. */
  readonly path: string;
}

/** Opens a docker archive. `platform` is to be said for another than this machine's. @example 'linux/arm64' */
export async function openImage(buildah: Buildah, archive: string, platform?: string): Promise<OpenImage> {
  await using undo = new AsyncDisposableStack();
  const flags = platform === undefined ? [] : ['--platform', platform];
  const container = await buildah.run('from', '--quiet', ...flags, `docker-archive:${archive}`);
  const id = await buildah.run('inspect', '--format', '{{.FromImageID}}', container);
  // Others may have it open, too.
  undo.defer(async () => void (await buildah.run('rmi', id).catch(() => {})));
  undo.defer(async () => void (await buildah.run('rm', container)));
  const path = await buildah.run('mount', container);
  const content = await readArchive(archive);
  const configText = await runTool('tar', '-xOf', archive, content.Config);
  const scope = undo.move();
  return {
    content,
    config: JSON.parse(configText),
    configText,
    path,
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

export async function readArchive(archive: string): Promise<ArchiveContent> {
  const [content] = JSON.parse(await runTool('tar', '-xOf', archive, 'manifest.json')) as readonly ArchiveContent[];
  if (content === undefined) throw new Error(`${archive} holds no image`);
  return content;
}
