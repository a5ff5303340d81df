// SPDX-License-Identifier: Apache-2.0

// Reads JSON texts as Multus, libcni and the CNI plugins do. Standard input has one JSON string per line. For each
// line, prints one JSON object with the results of all readers. It needs only the standard library. Its structs have
// the fields, and its functions the steps, of the sources that they name.
package main

import (
	"bufio"
	"encoding/json"
	"os"
)

// containernetworking/cni pkg/types/types.go, PluginConf.
type pluginConf struct {
	CNIVersion   string          `json:"cniVersion,omitempty"`
	Name         string          `json:"name,omitempty"`
	Type         string          `json:"type,omitempty"`
	Capabilities map[string]bool `json:"capabilities,omitempty"`
	IPAM         struct {
		Type string `json:"type,omitempty"`
	} `json:"ipam,omitempty"`
	RawPrevResult map[string]interface{} `json:"prevResult,omitempty"`
}

// containernetworking/cni pkg/types/types.go, NetConfList.
type netConfList struct {
	CNIVersion string        `json:"cniVersion,omitempty"`
	Name       string        `json:"name,omitempty"`
	Plugins    []*pluginConf `json:"plugins,omitempty"`
}

// A plugin's own configuration, with the fields of macvtap-cni.
type ownConf struct {
	pluginConf
	DeviceID string `json:"deviceID"`
	Mode     string `json:"mode"`
	MTU      int    `json:"mtu"`
	MAC      string `json:"mac"`
	Args     struct {
		CNI struct {
			MAC string `json:"mac"`
		} `json:"cni"`
	} `json:"args"`
	RuntimeConfig struct {
		MAC      string `json:"mac"`
		DeviceID string `json:"deviceID"`
	} `json:"runtimeConfig"`
}

// Multus pkg/types/types.go, NetworkSelectionElement.
type selection struct {
	Name                       string                  `json:"name"`
	Namespace                  string                  `json:"namespace,omitempty"`
	IPRequest                  []string                `json:"ips,omitempty"`
	MacRequest                 string                  `json:"mac,omitempty"`
	InterfaceRequest           string                  `json:"interface,omitempty"`
	DeprecatedInterfaceRequest string                  `json:"interfaceRequest,omitempty"`
	DeviceID                   string                  `json:"deviceID,omitempty"`
	CNIArgs                    *map[string]interface{} `json:"cni-args"`
}

// The types that a network runs: one type, or those of a list.
type network struct {
	Name  string   `json:"name"`
	Types []string `json:"types"`
}

type element struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

type reading struct {
	// One result for each way that the text can take through Multus, without those that end in an error.
	Networks []network `json:"networks"`
	// The elements of a pod's annotation; null if Multus refuses it.
	Elements []element `json:"elements"`
	// A plugin's standard input; null if it cannot be decoded.
	Own *ownConf `json:"own"`
}

func main() {
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(nil, 1<<24)
	writer := bufio.NewWriter(os.Stdout)
	defer writer.Flush()
	encoder := json.NewEncoder(writer)
	for scanner.Scan() {
		var text string
		if err := json.Unmarshal(scanner.Bytes(), &text); err != nil {
			panic(err)
		}
		if err := encoder.Encode(read([]byte(text))); err != nil {
			panic(err)
		}
	}
}

func read(text []byte) reading {
	found := reading{Networks: []network{}, Elements: readElements(text)}
	var own ownConf
	if json.Unmarshal(text, &own) == nil {
		found.Own = &own
	}
	// The text unchanged, with a name, and with a device. Multus adds a name or a device by way of a map.
	for _, raw := range [][]byte{text, throughMap(text, "name"), throughMap(text, "deviceID")} {
		if raw == nil {
			continue
		}
		if read, ok := readNetwork(raw); ok {
			found.Networks = append(found.Networks, read)
		}
	}
	return found
}

// network-attachment-definition-client pkg/utils/cniconfig.go, GetCNIConfigFromSpec; Multus pkg/types/conf.go,
// delegateAddDeviceID.
func throughMap(text []byte, key string) []byte {
	var raw map[string]interface{}
	if json.Unmarshal(text, &raw) != nil || raw == nil {
		return nil
	}
	if _, ok := raw[key]; !ok {
		raw[key] = "added"
	}
	written, err := json.Marshal(raw)
	if err != nil {
		return nil
	}
	return written
}

// Multus pkg/types/conf.go, LoadDelegateNetConf and LoadDelegateNetConfList.
func readNetwork(text []byte) (network, bool) {
	var conf pluginConf
	var raw map[string]interface{}
	if json.Unmarshal(text, &raw) != nil || raw == nil || json.Unmarshal(text, &conf) != nil {
		return network{}, false
	}
	if conf.Type != "" {
		return network{conf.Name, []string{conf.Type}}, true
	}
	var list netConfList
	if json.Unmarshal(text, &list) != nil || len(list.Plugins) == 0 || list.Plugins[0] == nil || list.Plugins[0].Type == "" {
		return network{}, false
	}
	return readList(raw)
}

// libcni/conf.go, NetworkConfFromBytes: reads the list as a map, and each plugin as a struct.
func readList(raw map[string]interface{}) (network, bool) {
	name, _ := raw["name"].(string)
	plugins, ok := raw["plugins"].([]interface{})
	if !ok || len(plugins) == 0 {
		return network{}, false
	}
	found := network{Name: name}
	for _, plugin := range plugins {
		text, err := json.Marshal(plugin)
		var conf pluginConf
		if err != nil || json.Unmarshal(text, &conf) != nil || conf.Type == "" {
			return network{}, false
		}
		found.Types = append(found.Types, conf.Type)
	}
	return found, true
}

// Multus pkg/k8sclient/k8sclient.go, parsePodNetworkAnnotation. It panics for a null among the elements.
func readElements(text []byte) []element {
	var networks []*selection
	if json.Unmarshal(text, &networks) != nil {
		return nil
	}
	found := []element{}
	for _, one := range networks {
		if one == nil {
			return nil
		}
		found = append(found, element{one.Name, one.Namespace})
	}
	return found
}
