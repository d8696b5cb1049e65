//! Features of a frozen prefix are computed once, and never returned after anything changed the prefix.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use std::path::Path;

use freeze_runtime::nn::{BatchNorm, batch_norm2d};
use freeze_runtime::{CacheError, Error, FeatureCache, MissingSamples, Policy, Tuner, Weights};
use freeze_tests::bits::bits;
use freeze_tests::parse;
use tch::nn::{self, Module, ModuleT, VarStore};
use tch::{Device, Kind, Tensor};

type Outcome = Result<(), Error>;

const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);
const PREFIX: [&str; 2] = ["stem", "layer1"];
/// Rules under which the prefix is frozen in the first two epochs, and trains in part afterwards.
const LATE: &str = "default lr 0.1 optimizer sgd; start: train head; epoch 2: unfreeze layer1";

/// `stem` and `layer1`, each a convolution with its norm, then `head`.
struct Network {
    vs: VarStore,
    stem: (nn::Conv2D, BatchNorm),
    layer1: (nn::Conv2D, BatchNorm),
    head: nn::Linear,
}

impl Network {
    fn new(seed: i64) -> Self {
        tch::set_num_threads(1);
        tch::manual_seed(seed);
        let vs = VarStore::new(Device::Cpu);
        let block = |name: &str, channels_in| {
            let path = vs.root() / name;
            let conv = nn::conv2d(&path / "conv", channels_in, 4, 3, nn::ConvConfig::default());
            (conv, batch_norm2d(&path / "bn", 4, nn::BatchNormConfig::default()))
        };
        let (stem, layer1) = (block("stem", 2), block("layer1", 4));
        let head = nn::linear(vs.root() / "head", 4, 3, nn::LinearConfig::default());
        Self { vs, stem, layer1, head }
    }

    fn features(&self, x: &Tensor) -> Tensor {
        [&self.stem, &self.layer1].into_iter().fold(x.shallow_clone(), |x, (conv, norm)| {
            norm.forward_t(&conv.forward(&x), true).relu()
        })
    }

    fn loss(&self, features: &Tensor) -> Tensor {
        let pooled = features.mean_dim([2_i64, 3].as_slice(), false, Kind::Float);
        self.head.forward(&pooled).square().mean(Kind::Float)
    }

    fn tuner(&self, policy: &Policy) -> Result<Tuner, Error> {
        Tuner::builder(policy).attach(&self.vs)
    }
}

/// The inputs of eight samples.
fn inputs() -> Tensor {
    (Tensor::arange(8 * 2 * 36, CPU) * 0.7).sin().view([8, 2, 6, 6])
}

/// The inputs of a batch.
fn batch(ids: &[i64]) -> Tensor {
    inputs().index_select(0, &Tensor::from_slice(ids))
}

fn get(
    cache: &mut FeatureCache,
    tuner: &Tuner,
    network: &Network,
    ids: &[i64],
) -> Result<Tensor, Error> {
    let x = batch(ids);
    cache.get_or_compute(tuner, ids, |missing| network.features(&missing.of(&x)))
}

fn no_call(_: &MissingSamples) -> Tensor {
    panic!("everything is stored")
}

fn cache_error(outcome: Result<Tensor, Error>) -> CacheError {
    match outcome {
        Err(Error::Cache(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// A network and a tuner in its first epoch.
fn started(policy: &str) -> Result<(Network, Tuner), Error> {
    let network = Network::new(1);
    let mut tuner = network.tuner(&parse(policy))?;
    tuner.start_epoch()?;
    Ok((network, tuner))
}

#[test]
fn each_storage_returns_the_same_bits() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let (network, tuner) = started(LATE)?;
    let new = || FeatureCache::new(&PREFIX, 1 << 20);
    for mut cache in [new(), new().in_host_memory(), new().on_disk(folder.path())] {
        let expected = network.features(&batch(&[0, 1, 2, 3]));
        let ids = [[3, 1, 0, 2], [0, 1, 2, 3]];
        let computed = get(&mut cache, &tuner, &network, &[0, 1, 2, 3])?;
        assert_eq!(bits(&computed), bits(&expected));
        for ids in ids {
            let stored = cache.get_or_compute(&tuner, &ids, no_call)?;
            let expected = expected.index_select(0, &Tensor::from_slice(&ids));
            assert_eq!(bits(&stored), bits(&expected));
        }
        // A batch of which some are stored.
        let mixed = get(&mut cache, &tuner, &network, &[6, 2, 7, 0])?;
        assert!(mixed.allclose(&network.features(&batch(&[6, 2, 7, 0])), 1e-6, 1e-6, false));
        let counts = cache.counts();
        assert_eq!((counts.computed, counts.reused, counts.refused, counts.cleared), (6, 10, 0, 0));
        assert_eq!(cache.len(), 6);
        let row = 4 * 4 * 2 * 2;
        assert!((6 * row..=6 * row + 4096).contains(&cache.bytes()), "{}", cache.bytes());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    Ok(())
}

#[test]
fn what_does_not_fit_is_computed_each_time() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let (network, tuner) = started(LATE)?;
    let rows = |rows: u64| rows * 4 * 4 * 2 * 2;
    for mut cache in [
        FeatureCache::new(&PREFIX, rows(5) + 3),
        FeatureCache::new(&PREFIX, rows(5) + 4096).on_disk(folder.path()),
    ] {
        for _ in 0..3 {
            for ids in [[0, 1, 2, 3], [4, 5, 6, 7]] {
                let features = get(&mut cache, &tuner, &network, &ids)?;
                assert!(features.allclose(&network.features(&batch(&ids)), 1e-6, 1e-6, false));
            }
        }
        assert_eq!(cache.len(), 5);
        assert!(cache.bytes() <= rows(5) + 4096);
        let counts = cache.counts();
        assert_eq!((counts.computed, counts.reused, counts.refused), (14, 10, 9));
    }
    let mut none = FeatureCache::new(&PREFIX, 0);
    let _ = get(&mut none, &tuner, &network, &[0, 1])?;
    assert_eq!((none.len(), none.bytes(), none.counts().refused), (0, 0, 2));
    Ok(())
}

#[test]
fn half_precision_rounds_stored_and_computed_features_alike() -> Outcome {
    let (network, tuner) = started(LATE)?;
    for kind in [Kind::Half, Kind::BFloat16] {
        let mut cache = FeatureCache::new(&PREFIX, 1 << 20).stored_as(kind);
        let exact = network.features(&batch(&[0, 1]));
        let rounded = exact.to_kind(kind).to_kind(Kind::Float);
        assert_ne!(bits(&exact), bits(&rounded));
        for _ in 0..2 {
            let features = get(&mut cache, &tuner, &network, &[0, 1])?;
            assert_eq!(bits(&features), bits(&rounded));
        }
        assert_eq!(cache.bytes(), 2 * 4 * 2 * 2 * 2);
        let numbers = |_: &MissingSamples| Tensor::zeros([1], (Kind::Int64, Device::Cpu));
        let error = cache_error(cache.get_or_compute(&tuner, &[9], numbers));
        assert!(matches!(error, CacheError::Kind(Kind::Int64, _)), "{error}");
    }
    Ok(())
}

#[test]
fn features_keep_their_memory_format() -> Outcome {
    let (_network, tuner) = started(LATE)?;
    let mut cache = FeatureCache::new(&PREFIX, 1 << 20);
    let channels_last = Tensor::arange(2 * 3 * 4 * 5, CPU).view([2, 4, 5, 3]).permute([0, 3, 1, 2]);
    let first = cache.get_or_compute(&tuner, &[0, 1], |_| channels_last.shallow_clone())?;
    let again = cache.get_or_compute(&tuner, &[1, 0], no_call)?;
    assert_eq!(again.stride(), first.stride());
    assert_eq!(again.flip([0]), first);
    Ok(())
}

#[test]
fn a_prefix_that_trains_gets_its_gradient_and_is_not_stored() -> Outcome {
    let (network, mut tuner) = started(LATE)?;
    let mut cache = FeatureCache::new(&PREFIX, 1 << 20);
    for epoch in 0..4 {
        let features = get(&mut cache, &tuner, &network, &[0, 1, 2, 3])?;
        assert_eq!(features.requires_grad(), epoch >= 2);
        tuner.backward_step(&network.loss(&features))?;
        tuner.start_epoch()?;
    }
    let counts = cache.counts();
    assert_eq!((counts.computed, counts.reused, counts.cleared), (12, 4, 1));
    assert!(cache.is_empty());
    Ok(())
}

#[test]
fn mistakes_are_errors_and_lose_nothing() -> Outcome {
    let (network, tuner) = started("default lr 0.1 optimizer sgd; start: train head.bias")?;
    let mut cache = FeatureCache::new(&PREFIX, 1 << 20);
    let kept = get(&mut cache, &tuner, &network, &[0, 1])?;
    let x = batch(&[4, 5]);

    let twice = cache_error(get(&mut cache, &tuner, &network, &[4, 5, 4]));
    assert!(matches!(twice, CacheError::DuplicateId(4)), "{twice}");
    let other =
        cache.get_or_compute(&tuner, &[4, 5, 6], |missing| network.features(&missing.of(&x)));
    let other = cache_error(other).to_string();
    assert_eq!(other, "a batch of 2 samples, for 3 ids");
    let fewer =
        cache_error(cache.get_or_compute(&tuner, &[0, 4, 5], |_| network.features(&batch(&[4]))));
    assert_eq!(fewer.to_string(), "features of 1 samples, for 2 ids");
    let shape = cache.get_or_compute(&tuner, &[4, 5], |_| network.features(&x).flatten(1, -1));
    let shape = cache_error(shape);
    assert!(matches!(shape, CacheError::Mismatch { .. }), "{shape}");
    let dtype =
        cache.get_or_compute(&tuner, &[4, 5], |_| network.features(&x).to_kind(Kind::Double));
    assert!(matches!(cache_error(dtype), CacheError::Mismatch { .. }));

    // Depends on the head, of which the bias trains, and the weight is frozen.
    for part in [&network.head.ws, network.head.bs.as_ref().unwrap()] {
        let before = network.head.ws.requires_grad();
        let outside =
            cache.get_or_compute(&tuner, &[4, 5], |_| network.features(&x) + part.sum(None));
        let outside = cache_error(outside);
        assert!(matches!(&outside, CacheError::DependsOnOthers { selectors, parameters }
                if selectors == "stem, layer1" && parameters.len() == 1));
        assert_eq!(network.head.ws.requires_grad(), before);
    }
    assert_eq!((cache.len(), cache.counts().cleared), (2, 0));
    assert_eq!(bits(&cache.get_or_compute(&tuner, &[0, 1], no_call)?), bits(&kept));

    let error = FeatureCache::new(&["stem", "layr1"], 0).get_or_compute(&tuner, &[0], no_call);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("did you mean `layer1`?"), "{error}");
    Ok(())
}

#[test]
fn features_that_depend_on_the_batch_are_refused() -> Outcome {
    let vs = VarStore::new(Device::Cpu);
    let norm = nn::batch_norm2d(vs.root() / "stem", 2, nn::BatchNormConfig::default());
    let _head = nn::linear(vs.root() / "head", 2, 2, nn::LinearConfig::default());
    let policy = parse("default lr 0.1 optimizer sgd; start: train head");
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    tuner.start_epoch()?;
    let mut cache = FeatureCache::new(&["stem"], 1 << 20);
    let x = batch(&[0, 1]);
    for _ in 0..2 {
        let trained = cache.get_or_compute(&tuner, &[0, 1], |_| norm.forward_t(&x, true));
        let error = cache_error(trained);
        assert!(matches!(&error, CacheError::BatchStatistics(name) if name == "stem"), "{error}");
    }
    // Also after a training pass has moved the statistics.
    let _moves = norm.forward_t(&x, true);
    let evaluated = cache.get_or_compute(&tuner, &[0, 1], |_| norm.forward_t(&x, false))?;
    tuner.restore_frozen_stats()?;
    assert_eq!(bits(&evaluated), bits(&norm.forward_t(&x, false)));
    let _moves = norm.forward_t(&x, true);
    tuner.restore_frozen_stats()?;
    let _ = cache.get_or_compute(&tuner, &[0, 1], no_call)?;
    Ok(())
}

#[test]
fn where_storing_fails_a_training_can_go_on() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let (network, tuner) = started(LATE)?;
    let mut cache = FeatureCache::new(&PREFIX, 1 << 20).on_disk(&file);
    let error = cache_error(get(&mut cache, &tuner, &network, &[0, 1]));
    assert!(matches!(error, CacheError::Io { .. }), "{error}");
    for _ in 0..2 {
        let features = get(&mut cache, &tuner, &network, &[0, 1])?;
        assert_eq!(bits(&features), bits(&network.features(&batch(&[0, 1]))));
    }
    assert_eq!((cache.len(), cache.counts().refused), (0, 6));
    std::fs::remove_file(&file).unwrap();
    cache.clear();
    let _ = get(&mut cache, &tuner, &network, &[0, 1])?;
    let _ = cache.get_or_compute(&tuner, &[0, 1], no_call)?;
    Ok(())
}

#[test]
fn another_tuner_and_other_weights_are_noticed() -> Outcome {
    let (mut network, mut tuner) = started(LATE)?;
    let mut cache = FeatureCache::new(&PREFIX, 1 << 20);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.safetensors");
    Network::new(2).vs.save(&path)?;
    for change in 0..7 {
        let _ = get(&mut cache, &tuner, &network, &[0, 1])?;
        let (computed, cleared) = (cache.counts().computed, cache.counts().cleared);
        let _ = cache.get_or_compute(&tuner, &[0, 1], no_call)?;
        match change {
            0 => drop(Weights::open(&path)?.load(&network.vs)?),
            1 => network.vs.load(&path)?,
            2 => tch::no_grad(|| drop(network.stem.0.ws.narrow(0, 0, 1).fill_(0.5))),
            3 => {
                tuner.save(folder.path())?;
                tuner.resume(folder.path())?;
            }
            4 => network.stem.0.ws.set_data(&network.stem.0.ws.detach().copy()),
            5 => cache.clear(),
            _ => {
                tuner = network.tuner(&parse(LATE))?;
                tuner.start_epoch()?;
            }
        }
        let features = get(&mut cache, &tuner, &network, &[0, 1])?;
        tuner.restore_frozen_stats()?;
        assert_eq!(bits(&features), bits(&network.features(&batch(&[0, 1]))), "{change}");
        assert_eq!(cache.counts().computed, computed + 2, "{change}");
        assert_eq!(cache.counts().cleared, cleared + 1, "{change}");
    }
    Ok(())
}

#[test]
fn a_restore_that_does_not_touch_the_prefix_costs_nothing() -> Outcome {
    for (rule, cleared) in [
        ("epoch 2: restore lowest loss", 0),
        ("epoch 2: restore lowest loss, set stem stats live", 1),
    ] {
        let (network, mut tuner) =
            started(&format!("default lr 0.1 optimizer sgd; start: train head; {rule}"))?;
        let mut cache = FeatureCache::new(&PREFIX, 1 << 20);
        for epoch in 0..4 {
            let features = get(&mut cache, &tuner, &network, &[0, 1])?;
            tuner.backward_step(&network.loss(&features))?;
            tuner.observe("loss", f64::from(epoch))?;
            tuner.start_epoch()?;
        }
        assert_eq!(cache.counts().cleared, cleared, "{rule}");
    }
    Ok(())
}

#[test]
fn what_trains_and_freezes_again_between_two_batches_is_noticed() -> Outcome {
    for (unfreeze, freeze) in [
        ("set stem.bn stats live", "set stem.bn stats held"),
        ("unfreeze stem", "freeze stem"),
        ("unfreeze rows 0..1 of layer1.conv.weight", "freeze layer1"),
    ] {
        let rules = format!("start: train head; epoch 1: {unfreeze}; epoch 2: {freeze}");
        let (network, mut tuner) = started(&format!("default lr 0.1 optimizer sgd; {rules}"))?;
        let mut cache = FeatureCache::new(&PREFIX, 1 << 20);
        let before = get(&mut cache, &tuner, &network, &[0, 1])?;
        for _ in 0..2 {
            tuner.start_epoch()?;
            tuner.backward_step(&network.loss(&network.features(&batch(&[0, 1, 2]))))?;
        }
        let after = get(&mut cache, &tuner, &network, &[0, 1])?;
        assert_ne!(bits(&before), bits(&after), "{unfreeze}");
        assert_eq!(bits(&after), bits(&network.features(&batch(&[0, 1]))), "{unfreeze}");
        assert_eq!((cache.counts().computed, cache.counts().cleared), (4, 1));
    }
    Ok(())
}

/// Random numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((mixed >> 33) % end as u64).unwrap()
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A policy of some rules that fits the network.
    fn policy(&mut self) -> Policy {
        const TRIGGERS: [&str; 5] =
            ["after 1 epoch", "after 1 epoch", "after 2 steps", "when loss < 0.5", "after 1 step"];
        const ACTIONS: [&str; 14] = [
            "unfreeze layer1",
            "unfreeze stem",
            "unfreeze stem.bn",
            "unfreeze rows 0..2 of stem.conv.weight",
            "freeze layer1",
            "freeze stem",
            "freeze stem, layer1",
            "train head",
            "train layer1, head",
            "restore lowest loss",
            "restore lowest loss",
            "restore lowest loss, freeze stem, layer1",
            "set stem.bn stats live",
            "set stem, layer1 stats held",
        ];
        loop {
            let mut text = String::from("default lr 0.1 optimizer sgd(momentum 0.9); ");
            text += self.of(&["start: train head", "start: train @all", "start: freeze stem"]);
            for _ in 0..=self.below(5) {
                text += &["; ", self.of(&TRIGGERS), ": ", self.of(&ACTIONS)].concat();
            }
            if let Ok(policy) = Policy::parse(&text)
                && Network::new(1).tuner(&policy).is_ok()
            {
                return policy;
            }
        }
    }
}

/// Trainings by a policy in which anything happens at any time, each from the start again. Returns how many
/// samples were reused, and how often the cache was cleared.
fn interleavings(
    count: u64,
    policy: &Policy,
    random: &mut Random,
    other: &Path,
    folder: &Path,
) -> Result<(u64, u64), Error> {
    let [start, middle] = ["start", "middle"].map(|name| folder.join(name));
    let mut network = Network::new(1);
    let mut tuner = network.tuner(policy)?;
    let mut cache = FeatureCache::new(&["stem, layer1"], 1 << 20);
    if random.below(7) == 0 {
        cache = cache.on_disk(folder);
    }
    tuner.save(&start)?;
    let batches = [[0, 1, 2, 3], [4, 5, 6, 7]].map(|ids| (ids, batch(&ids)));
    let mut is_saved = false;
    for _ in 0..count {
        tuner.resume(&start)?;
        tuner.start_epoch()?;
        for _ in 0..8 {
            match random.below(24) {
                0..=5 => drop(tuner.start_epoch()?),
                6..=11 => {
                    // Statistics may just have been loaded.
                    tuner.restore_frozen_stats()?;
                    tuner.backward_step(&network.loss(&network.features(&batches[0].1)))?;
                }
                12..=14 => tuner.observe("loss", random.of(&[0.3, 0.6, 0.9]))?,
                15 if !is_saved => {
                    tuner.save(&middle)?;
                    is_saved = true;
                }
                16 if is_saved => tuner.resume(&middle)?,
                17 => drop(Weights::open(other)?.load(&network.vs)?),
                18 => network.vs.load(other)?,
                19 => {
                    let name = random.of(&["stem.conv.weight", "layer1.bn.bias", "head.weight"]);
                    let mut variable = network.vs.variables().remove(name).unwrap();
                    tch::no_grad(|| drop(variable.g_add_scalar_(0.25)));
                }
                _ => {}
            }
            // Something may also happen and end between two batches.
            if random.below(3) == 0 {
                continue;
            }
            let (ids, x) = &batches[random.below(2)];
            let features =
                cache.get_or_compute(&tuner, ids, |missing| network.features(&missing.of(x)))?;
            // While the prefix is not frozen, the cache does what a program without one does.
            if !cache.is_empty() {
                tuner.restore_frozen_stats()?;
            }
            let expected = tch::no_grad(|| network.features(x));
            assert_eq!(bits(&features), bits(&expected), "{}", policy.source().text());
            tuner.restore_frozen_stats()?;
        }
    }
    Ok((cache.counts().reused, cache.counts().cleared))
}

#[test]
fn it_is_never_stale() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.safetensors");
    Network::new(2).vs.save(&other)?;
    let (mut reused, mut cleared) = (0, 0);
    let mut random = Random(7);
    for number in 0..100 {
        let policy = random.policy();
        let own = folder.path().join(number.to_string());
        let (samples, times) = interleavings(10, &policy, &mut random, &other, &own)?;
        reused += samples;
        cleared += times;
    }
    println!("{reused} samples reused, cleared {cleared} times");
    assert!(reused > 3_000 && cleared > 400, "{reused} {cleared}");
    Ok(())
}

/// A linear layer called `body`, one called `stem` before it, and a head.
fn linear_layers() -> (VarStore, [nn::Linear; 3]) {
    let vs = VarStore::new(Device::Cpu);
    let layer = |name| nn::linear(vs.root() / name, 4, 4, nn::LinearConfig::default());
    let layers = [layer("stem"), layer("body"), layer("head")];
    (vs, layers)
}

#[test]
fn a_module_that_is_not_selected_is_found_whatever_hides_its_gradients() -> Outcome {
    let (vs, [stem, body, _]) = linear_layers();
    let mut tuner =
        Tuner::builder(&parse("default lr 0.1 optimizer sgd; start: train head")).attach(&vs)?;
    tuner.start_epoch()?;
    let x = Tensor::ones([2, 4], CPU);
    let hidden: [&dyn Fn() -> Tensor; 5] = [
        &|| tch::no_grad(|| body.forward(&stem.forward(&x))),
        &|| body.forward(&stem.forward(&x)).detach(),
        &|| body.forward(&stem.forward(&x).detach()),
        &|| body.forward(&stem.forward(&x)).argmax(-1, false),
        &|| body.forward(&x) + Tensor::cat(&[stem.ws.detach(), stem.ws.detach()], 0).sum(None),
    ];
    for compute in hidden {
        let mut cache = FeatureCache::new(&["body"], 1 << 20);
        let error = cache_error(cache.get_or_compute(&tuner, &[0, 1], |_| compute()));
        assert!(matches!(&error, CacheError::DependsOnOthers { .. }), "{error}");
        assert!(error.to_string().contains("depend on `stem."), "{error}");
        assert!(cache.is_empty());
    }
    // What only the prefix computes is stored, also without gradients.
    let mut cache = FeatureCache::new(&["body"], 1 << 20);
    let own = cache.get_or_compute(&tuner, &[0, 1], |_| tch::no_grad(|| body.forward(&x)))?;
    assert_eq!(bits(&cache.get_or_compute(&tuner, &[0, 1], no_call)?), bits(&own));
    let input = Tensor::ones([2, 4], CPU).set_requires_grad(true);
    let error = cache_error(cache.get_or_compute(&tuner, &[2, 3], |_| body.forward(&input)));
    assert!(matches!(error, CacheError::RequiresGrad(_)), "{error}");
    // A panic ends the watch.
    let panics = || cache.get_or_compute(&tuner, &[4], |_| panic!("stop"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
    assert!(cache.get_or_compute(&tuner, &[4], |_| body.forward(&x.narrow(0, 0, 1))).is_ok());
    Ok(())
}

#[test]
fn a_buffer_that_features_read_is_a_part_of_what_they_depend_on() -> Outcome {
    let (vs, [_, body, _]) = linear_layers();
    let inner = (vs.root() / "body" / "position").zeros_no_train("table", &[4]);
    let other = (vs.root() / "other").zeros_no_train("offset", &[4]);
    let unread = (vs.root() / "other").zeros_no_train("unread", &[4]);
    let mut tuner =
        Tuner::builder(&parse("default lr 0.1 optimizer sgd; start: train head")).attach(&vs)?;
    tuner.start_epoch()?;
    let x = Tensor::ones([2, 4], CPU);
    let mut cache = FeatureCache::new(&["body"], 1 << 20);
    let compute = |_: &MissingSamples| body.forward(&(&x + &inner)) + &other;
    let get = |cache: &mut FeatureCache| cache.get_or_compute(&tuner, &[0, 1], compute);
    let first = get(&mut cache)?;
    assert_eq!(bits(&get(&mut cache)?), bits(&first));
    for buffer in [&inner, &other] {
        let _ = tch::no_grad(|| buffer.shallow_clone().fill_(3.0));
        let cleared = cache.counts().cleared;
        let again = get(&mut cache)?;
        assert_eq!(bits(&again), bits(&(body.forward(&(&x + &inner)) + &other)));
        assert_eq!(cache.counts().cleared, cleared + 1);
    }
    let _ = tch::no_grad(|| unread.shallow_clone().fill_(3.0));
    let cleared = cache.counts().cleared;
    let _ = get(&mut cache)?;
    assert_eq!(cache.counts().cleared, cleared);
    // One that computing the features changes makes them depend on what was computed before.
    let error = cache_error(cache.get_or_compute(&tuner, &[7], |_| {
        let row = body.forward(&x.narrow(0, 0, 1));
        let _ = tch::no_grad(|| unread.shallow_clone().f_add_(&row.detach().view([4]))).unwrap();
        row + &unread
    }));
    assert!(matches!(&error, CacheError::WritesBuffer(name) if name == "other.unread"), "{error}");
    Ok(())
}

#[test]
fn a_frozen_dropout_draws_nothing_and_a_batch_of_none_needs_no_call() -> Outcome {
    let (vs, [stem, body, _]) = linear_layers();
    let dropout = freeze_runtime::nn::dropout(0.5, [&stem.ws]);
    let mut tuner =
        Tuner::builder(&parse("default lr 0.1 optimizer sgd; start: train head")).attach(&vs)?;
    tuner.start_epoch()?;
    let x = Tensor::ones([2, 4], CPU);
    let mut cache = FeatureCache::new(&["body"], 1 << 20);
    let features = cache.get_or_compute(&tuner, &[0, 1], |missing| {
        dropout.forward_t(&missing.of(&x).apply(&body), true)
    })?;
    assert_eq!(bits(&features), bits(&body.forward(&x)));
    let none = cache.get_or_compute(&tuner, &[], no_call)?;
    assert_eq!(none.size(), [0, 4]);
    Ok(())
}
