//! [`freeze_tests::promise`], on every device.

use freeze_tests::{devices, promise};

#[test]
fn whatever_no_rule_lets_train_keeps_its_bits() {
    for device in devices() {
        let seen = promise::hold(device, 256).unwrap_or_else(|error| panic!("{device:?}: {error}"));
        println!("{device:?}: {seen:?}");
        assert!(seen.trainings() >= 256 && seen.moved() > 5_000, "{seen:?}");
        assert!(seen.transitions() > 250 && seen.between() > 100, "{seen:?}");
    }
}
