// SPDX-License-Identifier: Apache-2.0

/** For the program under its own name: `kubectl-macvtap`. kubectl completes `kubectl macvtap` by kubectl_complete-macvtap. */
const bash = `# bash completion of kubectl-macvtap; needs no other package
_kubectl_macvtap() {
  local IFS=$'\\n' lines line directive word="\${COMP_WORDS[COMP_CWORD]}" prefix=""
  # Bash takes = for a word of its own.
  local -a words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  if [[ "$word" == "=" ]]; then
    words=("\${COMP_WORDS[@]:1:COMP_CWORD-2}" "\${COMP_WORDS[COMP_CWORD-1]}=")
    prefix="\${COMP_WORDS[COMP_CWORD-1]}="
    word=""
  elif ((COMP_CWORD > 2)) && [[ "\${COMP_WORDS[COMP_CWORD-1]}" == "=" ]]; then
    words=("\${COMP_WORDS[@]:1:COMP_CWORD-3}" "\${COMP_WORDS[COMP_CWORD-2]}=$word")
    prefix="\${COMP_WORDS[COMP_CWORD-2]}="
  fi
  lines=($(kubectl-macvtap __complete "\${words[@]}" 2>/dev/null))
  COMPREPLY=()
  for line in "\${lines[@]}"; do
    if [[ "$line" == :* ]]; then directive="$line"; continue; fi
    line="\${line%%$'\\t'*}"
    COMPREPLY+=("\${line#"$prefix"}")
  done
  if [[ "$directive" == ":0" ]]; then COMPREPLY=($(compgen -f -- "$word")); fi
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
  if [[ "$directive" == ":0" ]]; then _files; else _describe 'kubectl-macvtap' candidates; fi
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
