{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- /* The prefix of object names. Webhook configurations, admission policies and CRDs have fixed names instead. */ -}}
{{- define "kube-macvtap.fullname" -}}
{{ .Values.fullnameOverride | default .Values.nameOverride | default "kube-macvtap" }}
{{- end -}}

{{- /* The labels of all objects except CRDs. Takes {root, component, more}; `more` are additional labels. */ -}}
{{- /* The chart's own labels take precedence over `more`, and `more` over commonLabels. */ -}}
{{- define "kube-macvtap.labels" -}}
{{- $own := include "kube-macvtap.ownLabels" . | fromYaml }}
{{- toYaml (merge $own (.more | default dict) .root.Values.commonLabels) }}
{{- end -}}

{{- define "kube-macvtap.ownLabels" -}}
{{ include "kube-macvtap.selector" . }}
app.kubernetes.io/part-of: kube-macvtap
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* The labels of pods. kubectl macvtap finds the pods by the label part-of. Takes {root, component}. */ -}}
{{- define "kube-macvtap.podLabels" -}}
{{- $own := include "kube-macvtap.selector" . | fromYaml }}
{{- toYaml (merge $own (dict "app.kubernetes.io/part-of" "kube-macvtap") .root.Values.commonLabels) }}
{{- end -}}

{{- /* The labels that select a component's pods. Selectors are immutable. Takes {root, component}. */ -}}
{{- define "kube-macvtap.selector" -}}
app.kubernetes.io/name: {{ .root.Values.nameOverride | default "kube-macvtap" }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- /* The full name of a program's image. Takes {root, name, image}. */ -}}
{{- /* Rejects a name without a registry host: on Docker Hub, an attacker could register this name. */ -}}
{{- define "kube-macvtap.image" -}}
{{- if not .image.repository -}}
{{ fail (printf "image.%s.repository is empty: no image is published. Build and push both images (docs/contributing/images.md), then set image.webhook.repository and image.node.repository, for example to registry.example.com/kube-macvtap/%s" .name .name) }}
{{- end -}}
{{- if not (regexMatch "^([^/]*[.:][^/]*|localhost)/" .image.repository) -}}
{{ fail (printf "image.%s.repository is %q, which has no registry host and would be pulled from Docker Hub: write it in full, for example registry.example.com/%s" .name .image.repository .image.repository) }}
{{- end -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* The flags of both programs. Equal values let the webhook compute the same plans as the nodes. */ -}}
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

{{- /* The environment variables for apiServer.host and port, which override those from kubelet. */ -}}
{{- define "kube-macvtap.apiServer" -}}
{{- with .Values.apiServer }}{{ if .host -}}
- name: KUBERNETES_SERVICE_HOST
  value: {{ .host | quote }}
- name: KUBERNETES_SERVICE_PORT
  value: {{ .port | quote }}
{{- end }}{{ end -}}
{{- end -}}

{{- /* A volume with a ConfigMap that an administrator can create to change the log level without a restart. */ -}}
{{- /* The chart does not create this ConfigMap, because an upgrade would reset the level. */ -}}
{{- define "kube-macvtap.logLevel" -}}
- name: log-level
  configMap:
    name: {{ include "kube-macvtap.fullname" . }}-log-level
    optional: true
{{- end -}}

{{- /* Not empty if nodes may use DRA: by node.allocation, or by their label. */ -}}
{{- define "kube-macvtap.dra" -}}
{{- if or (eq .Values.node.allocation "DRA") .Values.node.allocationByLabel }}true{{ end -}}
{{- end -}}
