// SPDX-License-Identifier: Apache-2.0

/** For the program under its own name: `kubectl-macvtap`. kubectl completes `kubectl macvtap` by kubectl_complete-macvtap. */
const bash = `# bash completion of kubectl-macvtap; needs no other package
_kubectl_macvtap() {
  local IFS=$' \\t\\n' line directive prefix last cur="\${COMP_WORDS[COMP_CWORD]}" typed="\${COMP_LINE:0:COMP_POINT}"
  local -a words lines
  # Bash takes = and : for words of their own, so that the words are those of the line, and what bash has is their end.
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
