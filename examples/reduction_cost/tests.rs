use super::*;

#[test]
fn the_book_has_these_tables() {
    let page = include_str!("../../docs/src/reference/reduction.md");
    let block = page.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(block, Some(report().as_str()));
}

#[test]
fn what_is_frozen_is_not_sent() {
    for network in NETWORKS {
        for gpus in GPUS {
            let cost =
                |frozen, reduced| Training { gpus, parameters: 7e9, frozen }.cost(reduced, network);
            let all = cost(0.0, Reduced::All);
            let half = cost(0.5, Reduced::Trainable);
            assert!((half.bytes / all.bytes - 0.5).abs() < 1e-12);
            assert!((cost(0.5, Reduced::All).bytes - all.bytes).abs() < 1.0);
            assert!(half.step <= cost(0.5, Reduced::All).step);
            assert!(cost(0.0, Reduced::Trainable).step <= all.step);
        }
    }
}

#[test]
fn one_step_by_hand() {
    // 64 GPUs, 7 billion parameters of which 90 % are frozen, 12.5 GB/s.
    let training = Training { gpus: 64.0, parameters: 7e9, frozen: 0.9 };
    let cost = training.cost(Reduced::Trainable, NETWORKS[1]);
    // 2 * 63 / 64 * 0.7e9 * 2 bytes
    assert!((cost.bytes - 2.75625e9).abs() < 1.0);
    assert!((cost.reduction - 0.2205).abs() < 1e-9);
    // 2 * 7e9 * 8192 / 395.6e12 = 0.2899 s forward; the reduction is longer than the backward pass.
    assert!((cost.step - (0.289_908 + 0.2205)).abs() < 1e-5);
}
