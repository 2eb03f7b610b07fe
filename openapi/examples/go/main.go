// Uses the SDK that openapi-generator makes: go run . http://127.0.0.1:8000
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"

	fanin "example.com/fanin/sdk"
)

const (
	layers = "784,256,10"
	seed   = 42
	tensor = "layers.0.weight"
)

func report(name string, values []byte) {
	fmt.Printf("%s %x\n", name, sha256.Sum256(values))
}

// valuesOf returns what follows the header of a .npy file, whose length stands in bytes 8 and 9.
func valuesOf(file []byte) []byte {
	return file[10+int(binary.LittleEndian.Uint16(file[8:])):]
}

// download returns the bytes of an answer. The SDK leaves them in a temporary file, which is ours to remove.
func download[R any](file *os.File, _ R, err error) []byte {
	check(err)
	defer os.Remove(file.Name())
	defer file.Close()
	content, err := os.ReadFile(file.Name())
	check(err)
	return content
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	log.SetFlags(0)
	configuration := fanin.NewConfiguration()
	configuration.Servers[0].URL = "http://127.0.0.1:8000"
	if len(os.Args) > 1 {
		configuration.Servers[0].URL = os.Args[1]
	}
	client := fanin.NewAPIClient(configuration)
	ctx := context.Background()

	plan, _, err := client.PlanAPI.GetPlan(ctx).Layers(layers).Activation(fanin.ACTIVATION_RELU).Seed(seed).Execute()
	check(err)
	fmt.Println("plan", plan.Elements, "values in", len(plan.Tensors), "tensors")

	npy := client.NetworkAPI.GetWeightsNpy(ctx).Layers(layers).Activation(fanin.ACTIVATION_RELU).Seed(seed)
	whole := download(npy.Execute())
	report("weights.npy", valuesOf(whole))

	weights, _, err := client.NetworkAPI.GetWeightsJson(ctx).
		Layers(layers).Activation(fanin.ACTIVATION_RELU).Seed(seed).Execute()
	check(err)
	var numbers bytes.Buffer
	for _, tensor := range weights.Tensors {
		for _, value := range tensor.Data {
			check(binary.Write(&numbers, binary.LittleEndian, float32(value)))
		}
	}
	report("weights.json", numbers.Bytes())

	middle := len(whole) / 2
	first := download(npy.Range_(fmt.Sprintf("bytes=0-%d", middle-1)).Execute())
	second := download(npy.Range_(fmt.Sprintf("bytes=%d-", middle)).Execute())
	report("halves", valuesOf(append(first, second...)))

	network := fanin.NewNetwork(fanin.ACTIVATION_RELU, []int64{784, 256, 10})
	network.SetSeed(seed)
	report("posted", valuesOf(download(client.NetworkAPI.PostWeightsNpy(ctx).Network(*network).Execute())))

	report("tensor.npy", valuesOf(download(client.TensorAPI.GetTensorNpy(ctx, tensor).
		Layers(layers).Activation(fanin.ACTIVATION_RELU).Seed(seed).Execute())))
	report("tensor.bin", download(client.TensorAPI.GetTensorBin(ctx, tensor).
		Layers(layers).Activation(fanin.ACTIVATION_RELU).Seed(seed).Execute()))

	description, err := os.ReadFile("../../resnet18.json")
	check(err)
	var model fanin.Model
	check(json.Unmarshal(description, &model))
	report("resnet18", download(client.ModelAPI.PostModelWeightsSafetensors(ctx).Model(model).Execute()))

	diagnosis, _, err := client.DiagnosisAPI.GetDiagnosis(ctx).Layers("100,100,100,100,100,100").
		Activation(fanin.ACTIVATION_SIGMOID).Scheme(fanin.SCHEMENAME_FIXED).Std(1).Seed(1).Execute()
	check(err)
	fmt.Println("verdict", diagnosis.Verdict.Code)

	_, _, err = client.PlanAPI.GetPlan(ctx).Layers("784,0").Activation(fanin.ACTIVATION_RELU).Execute()
	var failure *fanin.GenericOpenAPIError
	if !errors.As(err, &failure) {
		log.Fatal("a network without outputs was not refused")
	}
	problem := failure.Model().(fanin.Problem)
	fmt.Println("problem", problem.Status, problem.Type, problem.Errors[0].Field)
}
