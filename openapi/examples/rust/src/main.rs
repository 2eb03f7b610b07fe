//! Uses the SDK that openapi-generator makes: cargo run http://127.0.0.1:8000
#![deny(warnings)]

use std::error::Error;

use fanin::apis::configuration::Configuration;
use fanin::apis::diagnosis_api::{get_diagnosis, GetDiagnosisParams};
use fanin::apis::model_api::{post_model_weights_safetensors, PostModelWeightsSafetensorsParams};
use fanin::apis::network_api::{
    get_weights_json, get_weights_npy, post_weights_npy, GetWeightsJsonParams, GetWeightsNpyParams, PostWeightsNpyParams,
};
use fanin::apis::plan_api::{get_plan, GetPlanError, GetPlanParams};
use fanin::apis::tensor_api::{get_tensor_bin, get_tensor_npy, GetTensorBinParams, GetTensorNpyParams};
use fanin::apis::Error as ApiError;
use fanin::models::{Activation, Network, Problem};
use sha2::{Digest, Sha256};

const LAYERS: &str = "784,256,10";
const SEED: i64 = 42;
const TENSOR: &str = "layers.0.weight";

/// Builds the parameters of an operation: those named, and the service's defaults for the others.
macro_rules! parameters {
    ($kind:ident { $($field:ident: $value:expr),* $(,)? } $($absent:ident)*) => {
        $kind { $($field: $value,)* $($absent: None,)* }
    };
}

fn npy(range: Option<String>) -> GetWeightsNpyParams {
    parameters!(GetWeightsNpyParams {
        layers: LAYERS.into(), activation: "relu".into(), seed: Some(SEED), range: range
    } output_activation scheme distribution dtype layout bias std
      gain cut cut_std fan slope alpha names recipe if_none_match if_match if_range)
}

/// What follows the header of a .npy file, whose length stands in bytes 8 and 9.
fn values(file: &[u8]) -> &[u8] {
    &file[10 + usize::from(u16::from_le_bytes([file[8], file[9]]))..]
}

fn report(name: &str, floats: &[u8]) {
    println!("{name} {:x}", Sha256::digest(floats));
}

fn problem_of(error: ApiError<GetPlanError>) -> Option<Problem> {
    match error {
        ApiError::ResponseError(answer) => match answer.entity? {
            // All have this one type; which variant it is decoded as says nothing.
            GetPlanError::Status412(problem)
            | GetPlanError::Status413(problem)
            | GetPlanError::Status422(problem)
            | GetPlanError::Status500(problem)
            | GetPlanError::Status503(problem) => Some(problem),
            GetPlanError::UnknownValue(_) => None,
        },
        _ => None,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let base_path = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8000".into());
    let service = Configuration { base_path, ..Configuration::default() };

    let plan = get_plan(&service, parameters!(GetPlanParams {
        layers: LAYERS.into(), activation: "relu".into(), seed: Some(SEED)
    } output_activation scheme distribution dtype layout bias std
      gain cut cut_std fan slope alpha names recipe if_none_match if_match)).await?;
    println!("plan {} values in {} tensors", plan.elements, plan.tensors.len());

    let whole = get_weights_npy(&service, npy(None)).await?.bytes().await?;
    report("weights.npy", values(&whole));

    let weights = get_weights_json(&service, parameters!(GetWeightsJsonParams {
        layers: LAYERS.into(), activation: "relu".into(), seed: Some(SEED)
    } output_activation scheme distribution dtype layout bias std
      gain cut cut_std fan slope alpha names recipe if_none_match if_match)).await?;
    let numbers = weights.tensors.iter().flat_map(|tensor| &tensor.data);
    report("weights.json", &numbers.flat_map(|&value| (value as f32).to_le_bytes()).collect::<Vec<u8>>());

    let middle = whole.len() / 2;
    let mut halves = Vec::new();
    for range in [format!("bytes=0-{}", middle - 1), format!("bytes={middle}-")] {
        halves.extend(get_weights_npy(&service, npy(Some(range))).await?.bytes().await?);
    }
    report("halves", values(&halves));

    let network = Network { seed: Some(SEED), ..Network::new(Activation::Relu, vec![784, 256, 10]) };
    let posted = post_weights_npy(&service, PostWeightsNpyParams { network }).await?.bytes().await?;
    report("posted", values(&posted));

    let file = get_tensor_npy(&service, parameters!(GetTensorNpyParams {
        tensor: TENSOR.into(), layers: LAYERS.into(), activation: "relu".into(), seed: Some(SEED)
    } output_activation scheme distribution dtype layout bias std
      gain cut cut_std fan slope alpha names recipe rows columns
      if_none_match if_match range if_range)).await?.bytes().await?;
    report("tensor.npy", values(&file));
    let bare = get_tensor_bin(&service, parameters!(GetTensorBinParams {
        tensor: TENSOR.into(), layers: LAYERS.into(), activation: "relu".into(), seed: Some(SEED)
    } output_activation scheme distribution dtype layout bias std
      gain cut cut_std fan slope alpha names recipe rows columns
      if_none_match if_match range if_range)).await?.bytes().await?;
    report("tensor.bin", &bare);

    let model = serde_json::from_str(include_str!("../../../resnet18.json"))?;
    let file = post_model_weights_safetensors(&service, PostModelWeightsSafetensorsParams { model }).await?;
    report("resnet18", &file.bytes().await?);

    let diagnosis = get_diagnosis(&service, parameters!(GetDiagnosisParams {
        layers: "100,100,100,100,100,100".into(), activation: "sigmoid".into(),
        scheme: Some("fixed".into()), std: Some(1.0), seed: Some(1)
    } output_activation distribution dtype layout bias
      gain cut cut_std fan slope alpha names recipe samples input normalization
      jacobian loss report language
      if_none_match if_match)).await?;
    println!("verdict {}", diagnosis.verdict.code);

    let refused = get_plan(&service, parameters!(GetPlanParams {
        layers: "784,0".into(), activation: "relu".into()
    } output_activation scheme distribution dtype layout bias std
      gain cut cut_std fan slope alpha names seed recipe if_none_match if_match)).await;
    let problem = refused.err().and_then(problem_of).ok_or("a network without outputs was not refused")?;
    let field = problem.errors.as_deref().and_then(<[_]>::first).map_or("", |error| &error.field);
    println!("problem {} {} {field}", problem.status, problem.r#type);
    Ok(())
}
