// Uses the SDK that openapi-generator makes: java Main http://127.0.0.1:8000
import fanin.ApiClient;
import fanin.ApiException;
import fanin.api.DiagnosisApi;
import fanin.api.ModelApi;
import fanin.api.NetworkApi;
import fanin.api.PlanApi;
import fanin.api.TensorApi;
import fanin.model.Activation;
import fanin.model.Model;
import fanin.model.Network;
import fanin.model.Problem;
import fanin.model.SchemeName;
import fanin.model.TensorWeights;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

public final class Main {
    private static final String LAYERS = "784,256,10";
    private static final long SEED = 42;
    private static final String TENSOR = "layers.0.weight";

    private Main() {}

    public static void main(String[] arguments) throws ApiException, IOException {
        var client = new ApiClient();
        client.updateBaseUri(arguments.length > 0 ? arguments[0] : "http://127.0.0.1:8000");
        var plans = new PlanApi(client);
        var networks = new NetworkApi(client);
        var tensors = new TensorApi(client);

        var plan = plans.getPlan(PlanApi.APIGetPlanRequest.newBuilder()
                .layers(LAYERS).activation(Activation.RELU).seed(SEED).build());
        System.out.printf("plan %d values in %d tensors%n", plan.getElements(), plan.getTensors().size());

        var whole = download(networks.getWeightsNpy(npy(null)));
        report("weights.npy", valuesOf(whole));

        var weights = networks.getWeightsJson(NetworkApi.APIGetWeightsJsonRequest.newBuilder()
                .layers(LAYERS).activation(Activation.RELU).seed(SEED).build());
        var numbers = ByteBuffer.allocate(4 * Math.toIntExact(plan.getElements())).order(ByteOrder.LITTLE_ENDIAN);
        for (TensorWeights tensor : weights.getTensors()) {
            tensor.getData().forEach(value -> numbers.putFloat(value.floatValue()));
        }
        report("weights.json", numbers.array());

        var middle = whole.length / 2;
        var halves = new ByteArrayOutputStream();
        halves.writeBytes(download(networks.getWeightsNpy(npy("bytes=0-" + (middle - 1)))));
        halves.writeBytes(download(networks.getWeightsNpy(npy("bytes=" + middle + "-"))));
        report("halves", valuesOf(halves.toByteArray()));

        var network = new Network().layers(List.of(784L, 256L, 10L)).activation(Activation.RELU).seed(SEED);
        report("posted", valuesOf(download(networks.postWeightsNpy(network))));

        report("tensor.npy", valuesOf(download(tensors.getTensorNpy(TensorApi.APIGetTensorNpyRequest.newBuilder()
                .tensor(TENSOR).layers(LAYERS).activation(Activation.RELU).seed(SEED).build()))));
        report("tensor.bin", download(tensors.getTensorBin(TensorApi.APIGetTensorBinRequest.newBuilder()
                .tensor(TENSOR).layers(LAYERS).activation(Activation.RELU).seed(SEED).build())));

        var model = client.getObjectMapper().readValue(Files.readString(Path.of("../../resnet18.json")), Model.class);
        report("resnet18", download(new ModelApi(client).postModelWeightsSafetensors(
                ModelApi.APIPostModelWeightsSafetensorsRequest.newBuilder().model(model).build())));

        var diagnosis = new DiagnosisApi(client).getDiagnosis(DiagnosisApi.APIGetDiagnosisRequest.newBuilder()
                .layers("100,100,100,100,100,100").activation(Activation.SIGMOID)
                .scheme(SchemeName.FIXED).std(1.0).seed(1L).build());
        System.out.println("verdict " + diagnosis.getVerdict().getCode());

        try {
            plans.getPlan(PlanApi.APIGetPlanRequest.newBuilder().layers("784,0").activation(Activation.RELU).build());
            throw new IllegalStateException("a network without outputs was not refused");
        } catch (ApiException refused) {
            var problem = client.getObjectMapper().readValue(refused.getResponseBody(), Problem.class);
            System.out.printf("problem %d %s %s%n",
                    problem.getStatus(), problem.getType(), problem.getErrors().get(0).getField());
        }
    }

    private static NetworkApi.APIGetWeightsNpyRequest npy(String range) {
        return NetworkApi.APIGetWeightsNpyRequest.newBuilder()
                .layers(LAYERS).activation(Activation.RELU).seed(SEED).range(range).build();
    }

    /** Returns the bytes of an answer, which the SDK leaves in a temporary file for us to delete. */
    private static byte[] download(File file) throws IOException {
        try {
            return Files.readAllBytes(file.toPath());
        } finally {
            Files.delete(file.toPath());
        }
    }

    /** Returns what follows the header of a .npy file, whose length stands in bytes 8 and 9. */
    private static byte[] valuesOf(byte[] file) {
        var buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        var values = new byte[file.length - 10 - Short.toUnsignedInt(buffer.getShort(8))];
        buffer.get(file.length - values.length, values);
        return values;
    }

    private static void report(String name, byte[] values) {
        try {
            var digest = MessageDigest.getInstance("SHA-256").digest(values);
            System.out.println(name + " " + HexFormat.of().formatHex(digest));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
