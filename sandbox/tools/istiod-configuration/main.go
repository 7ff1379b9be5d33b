// Command istiod-configuration says what istiod would send to proxies, from objects alone: no cluster, no network.
//
// It reads one cluster per line from standard input and answers each with one line on standard output, both JSON, until
// the input ends. The control plane is Istio's own code, held together by the fakes that Istio tests itself with.
// Its FakeDiscoveryServer would do the same for clusters whose domain is cluster.local, and for no others.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	envoy "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking/core"
	"istio.io/istio/pilot/pkg/networking/util"
	"istio.io/istio/pilot/pkg/serviceregistry"
	"istio.io/istio/pilot/pkg/serviceregistry/kube/controller"
	"istio.io/istio/pilot/pkg/serviceregistry/util/label"
	"istio.io/istio/pilot/pkg/xds/endpoints"
	"istio.io/istio/pkg/cluster"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/mesh/meshwatcher"
	"istio.io/istio/pkg/config/schema/gvr"
	_ "istio.io/istio/pkg/config/xds" // every type that may occur within a listener
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/kube/krt"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/test"
)

// question is one cluster: everything that its API server holds, and the proxies that ask.
type question struct {
	Cluster string            `json:"cluster"`
	Domain  string            `json:"domain"`
	Mesh    json.RawMessage   `json:"mesh"`
	Objects []json.RawMessage `json:"objects"`
	Proxies map[string]proxy  `json:"proxies"`
}

// proxy is who asks. Its metadata are what a sidecar says of itself: labels, cluster, Istio's version.
type proxy struct {
	Type      model.NodeType     `json:"type"`
	Namespace string             `json:"namespace"`
	Locality  string             `json:"locality"`
	Addresses []string           `json:"addresses"`
	Metadata  model.NodeMetadata `json:"metadata"`
}

// configuration is what one proxy is sent, and the host names that it answers for as a DNS server.
type configuration struct {
	Listeners []json.RawMessage `json:"listeners"`
	Routes    []json.RawMessage `json:"routes"`
	Clusters  []json.RawMessage `json:"clusters"`
	Endpoints []json.RawMessage `json:"endpoints"`
	Names     json.RawMessage   `json:"names"`
}

// answer holds either what each proxy is sent, or why the cluster cannot be.
type answer struct {
	Proxies map[string]configuration `json:"proxies,omitempty"`
	Error   string                   `json:"error,omitempty"`
}

func main() {
	answers := json.NewEncoder(os.Stdout)
	os.Stdout = os.Stderr // Istio's code prints here and there
	options := log.DefaultOptions()
	options.OutputPaths = []string{"stderr"}
	options.SetDefaultOutputLevel(log.OverrideScopeName, log.ErrorLevel)
	if err := log.Configure(options); err != nil {
		panic(err)
	}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		if err == nil {
			err = answers.Encode(answered(line))
		}
		if err != nil {
			panic(err)
		}
	}
}

func answered(line []byte) answer {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Error: err.Error()}
	}
	proxies := map[string]configuration{}
	err := test.Wrap(func(t test.Failer) {
		plane := controlPlane(t, asked)
		for name, who := range asked.Proxies {
			proxies[name] = sent(t, plane, asked, name, who)
		}
	})
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Proxies: proxies}
}

// controlPlane is an istiod that has read all objects of the cluster.
func controlPlane(t test.Failer, asked question) *core.ConfigGenTest {
	krt.GlobalDebugHandler = new(krt.DebugHandler) // it would keep everything that all planes have known
	meshConfig, err := mesh.ApplyMeshConfigDefaults(string(asked.Mesh))
	orFail(t, err)
	resources, configs := sorted(t, asked)
	index := model.NewEndpointIndex(model.DisabledCache{})
	updater := model.NewEndpointIndexUpdater(index)
	id := cluster.ID(asked.Cluster)
	kubernetes, _ := controller.NewFakeControllerWithOptions(t, controller.FakeControllerOptions{
		Client:          kube.NewFakeClient(resources...),
		CRDs:            []schema.GroupVersionResource{gvr.WorkloadEntry, gvr.ServiceEntry},
		ClusterID:       id,
		ConfigCluster:   true,
		DomainSuffix:    asked.Domain,
		MeshWatcher:     meshwatcher.NewTestWatcher(meshConfig),
		NetworksWatcher: meshwatcher.NewFixedNetworksWatcher(nil),
		SystemNamespace: meshConfig.RootNamespace,
		XDSUpdater:      updater,
		SkipRun:         true,
	})
	plane := core.NewConfigGenTest(t, core.TestOptions{
		Configs:           configs,
		MeshConfig:        meshConfig,
		ServiceRegistries: []serviceregistry.Instance{kubernetes},
		ClusterID:         id,
		XDSUpdater:        updater,
		SkipRun:           true,
	})
	// a ServiceEntry may select pods, and a Service WorkloadEntries
	kubernetes.AppendWorkloadHandler(plane.ServiceEntryRegistry.WorkloadInstanceHandler)
	plane.ServiceEntryRegistry.AppendWorkloadHandler(kubernetes.WorkloadInstanceHandler)
	plane.Env().EndpointIndex = index
	plane.Run()
	orFail(t, plane.Env().InitNetworksManager(updater))
	plane.PushContext().InitContext(plane.Env(), nil, nil)
	return plane
}

// sorted tells Kubernetes' own objects from Istio's, and fails where Istio's webhook would refuse one.
func sorted(t test.Failer, asked question) ([]runtime.Object, []config.Config) {
	var resources []runtime.Object
	var configs []config.Config
	for _, text := range asked.Objects {
		parsed, others, err := crd.ParseInputs(string(text))
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		for _, object := range parsed {
			object.Domain = asked.Domain
			configs = append(configs, object)
		}
		if len(others) > 0 {
			object, _, err := kube.IstioCodec.UniversalDeserializer().Decode(text, nil, nil)
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			resources = append(resources, object)
		}
	}
	return resources, configs
}

func sent(t test.Failer, plane *core.ConfigGenTest, asked question, name string, who proxy) configuration {
	labels := label.AugmentLabels(who.Metadata.Labels, who.Metadata.ClusterID, who.Locality, "", who.Metadata.Network)
	node := plane.SetupProxy(&model.Proxy{
		Type:            who.Type,
		ID:              name + "." + who.Namespace,
		ConfigNamespace: who.Namespace,
		DNSDomain:       strings.Join([]string{who.Namespace, "svc", asked.Domain}, "."),
		IPAddresses:     who.Addresses,
		Labels:          labels,
		Locality:        util.ConvertLocality(who.Locality),
		Metadata:        &who.Metadata,
	})
	push := plane.PushContext()
	listeners := plane.Listeners(node)
	clusters := plane.Clusters(node)
	var loads []json.RawMessage
	for _, upstream := range clusters {
		if upstream.GetType() == envoy.Cluster_EDS {
			builder := endpoints.NewEndpointBuilder(upstream.Name, node, push)
			loads = append(loads, text(t, builder.BuildClusterLoadAssignment(plane.Env().EndpointIndex)))
		}
	}
	return configuration{
		Listeners: texts(t, listeners),
		Routes:    texts(t, plane.RoutesFromListeners(node, listeners)),
		Clusters:  texts(t, clusters),
		Endpoints: loads,
		Names:     text(t, plane.ConfigGen.BuildNameTable(node, push)),
	}
}

func texts[M proto.Message](t test.Failer, messages []M) []json.RawMessage {
	var all []json.RawMessage
	for _, message := range messages {
		all = append(all, text(t, message))
	}
	return all
}

func text(t test.Failer, message proto.Message) json.RawMessage {
	written, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	orFail(t, err)
	return written
}

func orFail(t test.Failer, err error) {
	if err != nil {
		t.Fatal(fmt.Sprint(err))
	}
}
