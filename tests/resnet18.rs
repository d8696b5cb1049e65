//! The shortest policy that people write, through every door, on tch's own `ResNet`-18.

use freeze_runtime::{Error, Model, Optimizer, Policy, Tuner, freeze_policy};
use freeze_tests::Bits;
use tch::nn::{self, FuncT, ModuleT, VarStore};
use tch::vision::resnet;
use tch::{Device, Kind, Tensor};

const POLICY: &str = "epoch 0: train layer4 lr 1e-3; epoch 3: unfreeze layer3";

/// The policy, through each door.
fn doors() -> Result<[(&'static str, Policy); 5], Box<dyn std::error::Error>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/resnet18.freeze");
    Ok([
        ("parse", Policy::parse(POLICY)?),
        ("load", Policy::load(file)?),
        ("tokens", freeze_policy! { epoch 0: train layer4 lr 1e-3; epoch 3: unfreeze layer3 }),
        ("string", freeze_policy!("epoch 0: train layer4 lr 1e-3; epoch 3: unfreeze layer3")),
        ("file", freeze_policy!(file = "resnet18.freeze")),
    ])
}

/// What a parameter or a running statistic is part of: its layer.
fn layer(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

/// The layers of some names, each once.
fn layers<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let mut layers: Vec<&str> = names.into_iter().map(layer).collect();
    layers.sort_unstable();
    layers.dedup();
    layers
}

struct Resnet {
    vs: VarStore,
    net: FuncT<'static>,
}

impl Resnet {
    fn new() -> Self {
        tch::set_num_threads(1);
        let vs = VarStore::new(Device::Cpu);
        let net = resnet::resnet18(&vs.root(), 10);
        Self { vs, net }
    }

    fn train(&self, tuner: &mut Tuner) -> Result<(), Error> {
        let x = Tensor::randn([2, 3, 32, 32], (Kind::Float, Device::Cpu));
        let loss =
            self.net.forward_t(&x, true).cross_entropy_for_logits(&Tensor::from_slice(&[3i64, 7]));
        tuner.backward_step(&loss)?;
        Ok(())
    }

    /// The names under a layer, of the trainable or of the frozen parameters.
    fn under(&self, layers: &[&str], statistics: bool) -> Vec<String> {
        let names = self.vs.variables().into_keys();
        let mut names: Vec<String> = names
            .filter(|name| layers.contains(&layer(name)) && name.contains("running") == statistics)
            .collect();
        names.sort();
        names
    }
}

#[test]
fn every_door_results_in_the_same_policy() {
    assert_eq!(include_str!("resnet18.freeze").trim_end(), POLICY);
    let [(_, first), others @ ..] = doors().unwrap();
    for (door, policy) in others {
        assert_eq!(policy, first, "{door}");
    }
}

#[test]
fn flags_groups_and_learning_rates_are_right_in_every_epoch_through_every_door() -> Result<(), Error>
{
    for (door, policy) in doors().unwrap() {
        let resnet = Resnet::new();
        let program = nn::sgd(0.9, 0.0, 1e-4, false);
        let mut tuner = Tuner::builder(&policy).optimizer(program).lr(1e-4).attach(&resnet.vs)?;
        for epoch in 0..4 {
            let change = tuner.start_epoch()?;
            assert_eq!(change.is_empty(), epoch == 1 || epoch == 2, "{door}, epoch {epoch}");
            let expected: &[(&str, f64)] =
                if epoch < 3 { &[("layer4", 1e-3)] } else { &[("layer3", 1e-4), ("layer4", 1e-3)] };

            let groups = tuner.param_groups();
            let rates: Vec<(&str, f64)> = groups
                .iter()
                .map(|group| (layers(group.params.iter().map(String::as_str))[0], group.lr))
                .collect();
            assert_eq!(rates, expected, "{door}, epoch {epoch}");
            for group in &groups {
                let optimizer = Optimizer::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false };
                assert_eq!((group.optimizer, group.weight_decay), (optimizer, 1e-4));
                assert_eq!(layers(group.params.iter().map(String::as_str)).len(), 1);
            }

            let parts: Vec<&str> = expected.iter().map(|(layer, _)| *layer).collect();
            let trains = resnet.under(&parts, false);
            let mut trainable = tuner.trainable_names();
            trainable.sort_unstable();
            assert_eq!(trainable, trains);
            for (name, tensor) in resnet.vs.variables() {
                assert_eq!(tensor.requires_grad(), trains.contains(&name), "{name}");
            }

            let before = Bits::of(&resnet.vs);
            resnet.train(&mut tuner)?;
            let mut moves = [trains, resnet.under(&parts, true)].concat();
            moves.sort();
            assert_eq!(before.moved(&Bits::of(&resnet.vs)), moves, "{door}, epoch {epoch}");
        }
    }
    Ok(())
}

#[test]
fn names_are_those_that_people_know() -> Result<(), Error> {
    let model = Model::of(&Resnet::new().vs)?;
    let names: Vec<&str> =
        model.parameters().iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(names.len(), 62);
    assert_eq!(names[..4], ["conv1.weight", "bn1.weight", "bn1.bias", "layer1.0.conv1.weight"]);
    assert!(names.contains(&"layer4.0.downsample.0.weight"));
    assert!(names.contains(&"layer4.1.bn2.bias"));
    assert_eq!(layers(names.iter().copied()).len(), 7);
    assert_eq!(names[60..], ["fc.bias", "fc.weight"]);
    assert_eq!(model.normalisations().len(), 20);
    Ok(())
}

#[test]
fn without_its_last_layer_the_policy_fits_as_well() -> Result<(), Error> {
    let vs = VarStore::new(Device::Cpu);
    let _net = resnet::resnet18_no_final_layer(&vs.root());
    let policy = Policy::parse(POLICY)?;
    let program = nn::AdamW::default();
    let mut tuner = Tuner::builder(&policy).optimizer(program).lr(1e-4).attach(&vs)?;
    tuner.start_epoch()?;
    assert_eq!(layers(tuner.trainable_names().iter().map(String::as_str)), ["layer4"]);
    Ok(())
}
