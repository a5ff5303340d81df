// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { print } from '../output/print.ts';
import { sharedFlags } from '../shared-flags.ts';

export const completionLine = {
  command: 'kubectl macvtap completion',
  summary:
    'Prints the completion script of kubectl-macvtap for a shell. For kubectl macvtap, kubectl itself offers completion\n' +
    'if kubectl_complete-macvtap is in the PATH.',
  positionals: ['bash|zsh|fish'],
  flags: {},
  examples: [
    { purpose: 'Load completion in the current bash', command: 'source <(kubectl macvtap completion bash)' },
    {
      purpose: 'Install completion for fish',
      command: 'kubectl macvtap completion fish > ~/.config/fish/completions/kubectl-macvtap.fish',
    },
  ],
  elsewhere: sharedFlags,
} as const;

export function runCompletion(argv: readonly string[]): Promise<void> {
  return runCommand(
    completionLine,
    async (_, [shell = '']) => {
      if (!Object.hasOwn(completionScripts, shell)) {
        throw new MacvtapError('InvalidFlags', `${shell}: write one of ${Object.keys(completionScripts).join(', ')}`);
      }
      await print(completionScripts[shell as keyof typeof completionScripts]);
      return exitCode.done;
    },
    argv,
  );
}

/** The completion script for `kubectl-macvtap`. For `kubectl macvtap`, kubectl itself runs kubectl_complete-macvtap. */
const bash = `# bash completion of kubectl-macvtap; needs no other package
_kubectl_macvtap() {
  local IFS=$' \\t\\n' line directive prefix last cur="\${COMP_WORDS[COMP_CWORD]}" typed="\${COMP_LINE:0:COMP_POINT}"
  local -a words lines
  # Bash splits words at = and :, so they are read from the line, and COMPREPLY has only the part after the last split.
  read -ra words <<<"$typed"
  if [[ "$typed" == *[[:space:]] ]]; then words+=(""); fi
  last="\${words[\${#words[@]}-1]}"
  if [[ "$cur" == [=:] ]]; then cur=""; fi
  prefix="\${last%"$cur"}"
  IFS=$'\\n'
  lines=($(kubectl-macvtap __complete "\${words[@]:1}" 2>/dev/null))
  COMPREPLY=()
  for line in "\${lines[@]}"; do
    if [[ "$line" == :* ]]; then directive="$line"; continue; fi
    line="\${line%%$'\\t'*}"
    COMPREPLY+=("\${line#"$prefix"}")
  done
  if [[ "$directive" == ":0" ]]; then COMPREPLY=($(compgen -f -- "$cur")); fi
  if [[ "$directive" == ":6" ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o filenames -F _kubectl_macvtap kubectl-macvtap
`;

const zsh = `#compdef kubectl-macvtap
_kubectl_macvtap() {
  local -a lines candidates
  local line directive
  lines=("\${(@f)$(kubectl-macvtap __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "\${lines[@]}"; do
    if [[ "$line" == :* ]]; then directive="$line"; continue; fi
    candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  case "$directive" in
    :0) _files ;;
    :6) _describe 'kubectl-macvtap' candidates -S "" ;;
    *) _describe 'kubectl-macvtap' candidates ;;
  esac
}
compdef _kubectl_macvtap kubectl-macvtap
`;

const fish = `# fish completion of kubectl-macvtap
function __kubectl_macvtap_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (kubectl-macvtap __complete $words[2..-1] 2>/dev/null)
    if test "$line" = ":0"
      __fish_complete_path (commandline -ct)
    else if not string match -q ':*' -- $line
      echo $line
    end
  end
end
complete -c kubectl-macvtap -f -a '(__kubectl_macvtap_complete)'
`;

export const completionScripts = { bash, zsh, fish } as const;
