// SPDX-License-Identifier: Apache-2.0
import { runTool } from '../machines/run-tool.ts';
import type { Buildah } from './run-buildah.ts';

/** An image's configuration. */
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

/** The content of an archive. Each part is named after the hash of its content. */
export interface ArchiveContent {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  /** The layers, with that of the base image first. */
  readonly Layers: readonly string[];
}

/** An image whose files can be read. */
export interface OpenImage extends AsyncDisposable {
  readonly content: ArchiveContent;
  readonly config: ImageConfig;
  /** The configuration as stored, including the history of the layers. */
  readonly configText: string;
  /** The root file system. Changes to it are discarded with the scope. */
  readonly path: string;
}

/** Opens a docker archive. The default `platform` is this machine's. @example 'linux/arm64' */
export async function openImage(buildah: Buildah, archive: string, platform?: string): Promise<OpenImage> {
  await using undo = new AsyncDisposableStack();
  const flags = platform === undefined ? [] : ['--platform', platform];
  const container = await buildah.run('from', '--quiet', ...flags, `docker-archive:${archive}`);
  const id = await buildah.run('inspect', '--format', '{{.FromImageID}}', container);
  // A failure is ignored, because another test may also have the image open.
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
  if (content === undefined) throw new Error(`${archive} contains no image`);
  return content;
}
