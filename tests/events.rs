//! What a `tracing` subscriber sees of a training.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use freeze_runtime::Error;
use freeze_tests::{Net, train, tune};
use tch::Device;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};

type Outcome = Result<(), Error>;

#[derive(Debug, Clone)]
struct Event {
    level: Level,
    fields: BTreeMap<&'static str, String>,
}

impl Event {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl Visit for Event {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

/// Keeps every event of this project.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Vec<Event>>>);

impl Seen {
    /// What was seen since the last time.
    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What comes of a scene.
    fn while_in(scene: impl FnOnce(&Self) -> Outcome) -> Outcome {
        let seen = Self::default();
        tracing::subscriber::with_default(seen.clone(), || scene(&seen))
    }
}

impl Subscriber for Seen {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "freeze_runtime"
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut seen = Event { level: *event.metadata().level(), fields: BTreeMap::new() };
        event.record(&mut seen);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn each_transition_is_one_event_and_a_look_without_one_is_none() -> Outcome {
    Seen::while_in(|seen| {
        let net = Net::convolutions(Device::Cpu);
        let policy = "default lr 0.1 optimizer sgd; start as head: train fc;
                      step 2 as more: unfreeze layer2; step 2 as all: unfreeze layer1;
                      epoch 1: freeze layer1, layer2, stop";
        let mut tuner = tune(&net, policy);
        assert!(seen.take().is_empty());
        let expect = |change: freeze_runtime::Transition, fields: &[(&str, &str)]| {
            let events = seen.take();
            assert_eq!(events.len(), usize::from(!fields.is_empty()), "{events:?}");
            for event in events {
                assert_eq!(event.level, Level::INFO);
                assert_eq!(event.field("message"), change.to_string());
                for (name, value) in fields {
                    assert_eq!(event.field(name), *value, "{name}");
                }
            }
        };
        let weights = |name| net.variable(name).numel();
        let fc = weights("fc.weight") + weights("fc.bias");
        let all: usize = net.vs.trainable_variables().iter().map(tch::Tensor::numel).sum();
        let [fc, all] = [fc, all].map(|count| f64::from(u32::try_from(count).unwrap()));
        let share = format!("{:?}", fc / all);
        expect(
            tuner.start_epoch()?,
            &[
                ("epoch", "0"),
                ("step", "0"),
                ("fired", "head"),
                ("unfrozen", "0"),
                ("frozen", "6"),
                ("trained_share", &share),
                ("stopped", "false"),
            ],
        );
        expect(tuner.backward_step(&net.loss(0))?, &[]);
        expect(
            tuner.backward_step(&net.loss(1))?,
            &[
                ("epoch", "0"),
                ("step", "2"),
                ("fired", "more, all"),
                ("unfrozen", "6"),
                ("frozen", "0"),
                ("trained_share", "1.0"),
            ],
        );
        expect(
            tuner.start_epoch()?,
            &[("epoch", "1"), ("fired", "rule 4"), ("frozen", "6"), ("stopped", "true")],
        );
        expect(tuner.start_epoch()?, &[]);
        Ok(())
    })
}

#[test]
fn what_a_person_should_know_of_is_a_warning() -> Outcome {
    Seen::while_in(|seen| {
        let net = Net::linear();
        let policy = "default lr 0.1 optimizer sgd; start: train c;
                      epoch 2: restore lowest loss, unfreeze b";
        let mut tuner = tune(&net, policy);
        tuner.start_epoch()?;
        seen.take();
        tuner.observe("loss", f64::NAN)?;
        train(&net, &mut tuner, 0..1)?;
        let events = seen.take();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0].level, Level::WARN);
        assert_eq!(events[0].field("step"), "1");
        assert!(events[0].field("message").contains("`loss` is not a number"), "{events:?}");

        tuner.start_epoch()?;
        tuner.start_epoch()?;
        let levels: Vec<Level> = seen.take().iter().map(|event| event.level).collect();
        assert_eq!(levels, [Level::WARN, Level::INFO]);
        Ok(())
    })
}

#[test]
fn a_finding_about_an_epoch_is_a_warning_once() -> Outcome {
    Seen::while_in(|seen| {
        let net = Net::linear();
        let policy = "default lr 0.1 optimizer sgd; start: train c; when val_loss < 0: unfreeze b";
        let mut tuner = tune(&net, policy);
        tuner.start_epoch()?;
        tuner.observe("val_los", 1.0)?;
        seen.take();
        let transition = tuner.start_epoch()?;
        let events = seen.take();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!((events[0].level, events[0].field("code")), (Level::WARN, "FRZ0508"));
        assert!(transition.to_string().ends_with(events[0].field("message")), "{transition}");
        tuner.start_epoch()?;
        assert!(seen.take().is_empty());
        Ok(())
    })
}

#[test]
fn a_checkpoint_is_a_debug_event() -> Outcome {
    Seen::while_in(|seen| {
        let folder = tempfile::tempdir().unwrap();
        let net = Net::linear();
        let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start: train c");
        tuner.start_epoch()?;
        train(&net, &mut tuner, 0..2)?;
        seen.take();
        tuner.save(folder.path())?;
        tuner.resume(folder.path())?;
        assert!(tuner.resume(folder.path().join("elsewhere")).is_err());
        let events = seen.take();
        let messages: Vec<&str> = events.iter().map(|event| event.field("message")).collect();
        assert_eq!(messages, ["saved", "resumed"]);
        for event in &events {
            assert_eq!(event.level, Level::DEBUG);
            assert_eq!(event.field("dir"), folder.path().display().to_string());
            assert_eq!([event.field("epochs"), event.field("step")], ["1", "2"]);
        }
        Ok(())
    })
}
