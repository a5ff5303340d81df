{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- /* Labels of every object that needs any. Takes {root, component}. */ -}}
{{- define "kube-macvtap.labels" -}}
{{ include "kube-macvtap.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* What selects the pods of a component: it can never change. Takes {root, component}. */ -}}
{{- define "kube-macvtap.selector" -}}
app.kubernetes.io/name: kube-macvtap
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- /* A program's image. Takes {root, image}. */ -}}
{{- define "kube-macvtap.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* Flags that both programs take. They must plan alike: the webhook says what nodes offer. */ -}}
{{- define "kube-macvtap.args" -}}
- --source=cluster
- --namespace={{ .Release.Namespace }}
- --log-level={{ .Values.logLevel }}
- --link-kinds={{ join "," .Values.linkKinds }}
- --implicit-exposure={{ .Values.implicitExposure }}
{{- with .Values.implicitExclude }}
- {{ printf "--implicit-exclude=%s" (join "," .) | quote }}
{{- end }}
{{- end -}}

{{- /* Where the API server is, if not where kubelet says. */ -}}
{{- define "kube-macvtap.apiServer" -}}
{{- with .Values.apiServer }}{{ if .host -}}
- name: KUBERNETES_SERVICE_HOST
  value: {{ .host | quote }}
- name: KUBERNETES_SERVICE_PORT
  value: {{ .port | quote }}
{{- end }}{{ end -}}
{{- end -}}

{{- /* Somebody may make the ConfigMap to change the level of the log without a restart; the chart must not, or an upgrade would undo it. */ -}}
{{- define "kube-macvtap.logLevel" -}}
- name: log-level
  configMap:
    name: kube-macvtap-log-level
    optional: true
{{- end -}}
