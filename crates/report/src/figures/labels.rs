//! Labels at the ends of lines, moved apart where lines end close together.

use maud::{Markup, html};

use super::axis::Axes;
use super::line::Style;
use super::series::Series;
use crate::html::Px;

/// Width of the line and marker in front of a label.
pub const SWATCH: f64 = 32.0;
/// Width of the path from the end of a line to its label.
pub const LEADER: f64 = 26.0;

/// The `labels` of `series`, beside the plot.
pub fn svg(series: &[Series], labels: &[String], axes: &Axes, font: f64) -> Markup {
    let (edge, top, bottom) = axes.label_column();
    let end = |series: &Series| {
        let last = series.points.last();
        last.map(|(epoch, at)| (axes.x(*epoch), axes.y(at.mean)))
    };
    // Series without a point are labeled at the bottom.
    let wanted: Vec<f64> =
        series.iter().map(|series| end(series).map_or(bottom, |(_, y)| y)).collect();
    let places = apart(&wanted, 1.35 * font, top, bottom);
    let x = edge + LEADER;
    html! {
        @for (rank, (series, y)) in series.iter().zip(places).enumerate() {
            @let style = Style::of(rank);
            (style.group(&html! {
                @if let Some(end) = end(series) { (leader(end, edge, y)) }
                path d={ "M" (Px(x)) " " (Px(y)) "h24" } stroke="currentColor" stroke-width="2.2"
                    stroke-dasharray=[style.dash()] {}
                (style.marker(x + 12.0, y))
            }))
            text.ink x=(Px(x + SWATCH - 3.0)) y=(Px(y + 0.35 * font)) color="#222222"
                fill="currentColor" xml:space="preserve" { (labels[rank]) }
        }
    }
}

/// The thin path from the end of a line to its label at height `y`. It is dotted where the line
/// ends early, so that it does not look like part of the curve.
fn leader((end_x, end_y): (f64, f64), edge: f64, y: f64) -> Markup {
    let (start, corner, stop) = (Px(end_x + 6.0), Px(edge + 6.0), Px(edge + LEADER - 2.0));
    html! {
        path d={ "M" (start) " " (Px(end_y)) "L" (corner) " " (Px(end_y)) "L" (stop) " " (Px(y)) }
            fill="none" stroke="currentColor" stroke-opacity="0.45" stroke-width="0.9"
            stroke-dasharray=[(end_x < edge - 1.0).then_some("1 5")] {}
    }
}

/// Positions in `top..=bottom`, in the order of `wanted`, at least `gap` apart (less where there is
/// no room), as close to `wanted` as that allows (isotonic least squares).
fn apart(wanted: &[f64], gap: f64, top: f64, bottom: f64) -> Vec<f64> {
    let n = wanted.len();
    let gap = gap.min((bottom - top) / (n.max(2) - 1) as f64);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]).then(a.cmp(&b)));
    // With the gaps taken out, places only must not decrease: pool neighbors that do into their
    // mean.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (index, &at) in order.iter().enumerate() {
        let mut pool = (wanted[at] - index as f64 * gap, 1);
        while let Some(&(sum, count)) = pools.last() {
            if sum / count as f64 <= pool.0 / pool.1 as f64 {
                break;
            }
            pools.pop();
            pool = (sum + pool.0, count + pool.1);
        }
        pools.push(pool);
    }
    let lowest = bottom - n.saturating_sub(1) as f64 * gap;
    let means =
        pools.iter().flat_map(|&(sum, count)| std::iter::repeat_n(sum / count as f64, count));
    let mut places = vec![0.0; n];
    for (index, (&at, mean)) in order.iter().zip(means).enumerate() {
        places[at] = mean.clamp(top, lowest.max(top)) + index as f64 * gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_with_room_stay_where_their_lines_end() {
        assert_eq!(apart(&[80.0, 20.0, 50.0], 10.0, 0.0, 100.0), [80.0, 20.0, 50.0]);
        assert_eq!(apart(&[], 10.0, 0.0, 100.0), [0.0; 0]);
    }

    #[test]
    fn labels_in_one_place_move_apart_around_it() {
        assert_eq!(apart(&[50.0, 50.0, 50.0], 10.0, 0.0, 100.0), [40.0, 50.0, 60.0]);
    }

    #[test]
    fn labels_stay_inside() {
        assert_eq!(apart(&[100.0, 100.0], 10.0, 0.0, 100.0), [90.0, 100.0]);
        assert_eq!(apart(&[0.0, 1.0], 10.0, 0.0, 100.0), [0.0, 10.0]);
    }

    #[test]
    fn too_many_labels_share_the_room() {
        let places = apart(&[50.0; 21], 10.0, 0.0, 100.0);
        assert_eq!((places[0], places[20]), (0.0, 100.0));
        assert!(places.windows(2).all(|pair| (pair[1] - pair[0] - 5.0).abs() < 1e-9));
    }
}
